"""Collect the reruns of a study into reruns.nc."""

import json
from pathlib import Path

from tuning_playbook.dataset.collect import keep_dataset
from tuning_playbook.dataset.reruns import collect_reruns
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params = snakemake.params
    plan = current_plan(params.spec, "reruns", params.key)
    chosen = json.loads(Path(snakemake.input.choice).read_text())["arms"]
    output, packs = Path(snakemake.output[0]), [Path(path) for path in snakemake.input.packs]
    keep_dataset(output, collect_reruns(plan, chosen, packs, output.parent))
