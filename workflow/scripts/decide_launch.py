"""Decide whether the candidate replaces the baseline."""

from pathlib import Path

from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.launches.study_launch import decide_study
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params = snakemake.input, snakemake.params
    launch = decide_study(
        current_plan(params.spec, "launch", params.key).study,
        study=files.study,
        reruns=files.reruns,
        replicates=files.replicates,
        diagnostics=files.diagnostics,
        decide_incomplete=params.decide_incomplete,
    )
    write_json(Path(snakemake.output[0]), launch.to_json())
