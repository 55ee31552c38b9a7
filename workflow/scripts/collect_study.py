"""Collect the packs of a study into study.nc, and its best checkpoints into checkpoints.nc."""

from pathlib import Path

from tuning_playbook.dataset.best_checkpoints import collect_checkpoints
from tuning_playbook.dataset.collect import collect_study, keep_dataset, write_dataset
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    plan = current_plan(params.spec, "study", params.key, proposals=files.proposals)
    folder, packs = Path(output.study).parent, map(Path, files.packs)
    study = collect_study(plan, packs, folder=folder, incomplete=bool(params.incomplete))
    checkpoints = collect_checkpoints(plan.study, study, folder)
    write_dataset(Path(output.checkpoints), checkpoints)
    keep_dataset(Path(output.study), study)
