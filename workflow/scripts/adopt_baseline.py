"""Make the candidate of a launch the baseline of its workload."""

import json
from pathlib import Path

from tuning_playbook.errors import LaunchError
from tuning_playbook.jobs.environment import git_commit, now
from tuning_playbook.jobs.job import logged
from tuning_playbook.launches.adopt import adopt
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    params = snakemake.params
    if len(params.specs) != 1:
        raise LaunchError("name the one study whose launch is adopted: --config study=<name>")
    plan = current_plan(params.specs[0], "launch", params.launch_keys[0])
    name, decided = plan.study.name, Path(snakemake.input.launches[0])
    launch = json.loads(decided.read_text())
    done = adopt(
        plan.study,
        launch,
        decided.parent,
        Path("config"),
        date=now()[:10],
        commit=git_commit(),
        force=params.force,
    )
    if launch["decision"] != "adopt":
        print(f"{name}: adopted by force although its launch is '{launch['decision']}'")
    recorded = "recorded in" if done.recorded else "stands already in"
    print(f"{done.baseline} is trial {done.trial} of {name}; the launch {recorded} launches.csv")
