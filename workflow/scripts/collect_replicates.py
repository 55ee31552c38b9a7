"""Collect the repeats of a study's whole search into replicates.nc."""

from pathlib import Path

from tuning_playbook.dataset.collect import keep_dataset
from tuning_playbook.dataset.replicates import collect_replicates
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params = snakemake.params
    plan = current_plan(params.spec, "replicates", params.key)
    output, packs = Path(snakemake.output[0]), map(Path, snakemake.input.packs)
    keep_dataset(output, collect_replicates(plan, packs, output.parent))
