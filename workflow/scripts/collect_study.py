"""Collect the packs of a study into study.nc."""

from pathlib import Path

from tuning_playbook.dataset.collect import Row, collect, write_dataset
from tuning_playbook.job import current_plan, logged

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(params.spec, "study", params.key)
    rows = [Row(item.index, item.arm, item.trial, item.searched) for item in plan.trials]
    study = collect(plan.study, rows, map(Path, snakemake.input.packs))
    write_dataset(Path(snakemake.output[0]), study)
