"""Make the candidate of a launch the baseline of its workload."""

from pathlib import Path

from tuning_playbook.errors import LaunchError
from tuning_playbook.jobs.environment import git_commit, now
from tuning_playbook.jobs.job import job_of
from tuning_playbook.launches.adopt import adopt_launch
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params, launches = snakemake.params, snakemake.input.launches
    if len(launches) != 1:
        raise LaunchError("name the one study whose launch is adopted: --config study=<name>")
    study = current_plan(params.specs[0], "launch", params.launch_keys[0]).study
    today = {"date": now()[:10], "commit": git_commit()}
    print(adopt_launch(study, Path(launches[0]), Path("config"), **today, force=params.force))
