"""Collect the packs of a study into study.nc."""

from pathlib import Path

from tuning_playbook.dataset.collect import collect_study, write_dataset
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    plan = current_plan(params.spec, "study", params.key, proposals=files.proposals)
    packs = [Path(path) for path in files.packs]
    folder = Path(params.incomplete) if params.incomplete else None
    study = collect_study(plan, packs, incomplete=folder)
    write_dataset(Path(snakemake.output[0]), study)
