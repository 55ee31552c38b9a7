"""Collect the trials with changes set back, and show which of the candidate's changes mattered."""

import json
from pathlib import Path

from tuning_playbook.dataset.collect import keep_dataset
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import job_of
from tuning_playbook.launches.set_back import collect_set_backs
from tuning_playbook.launches.what_mattered import what_mattered_in
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    plan = current_plan(params.spec, "set_back", params.key)
    changes = json.loads(Path(files.choice).read_text())["changes"]
    launch = json.loads(Path(files.launch).read_text())
    dataset, packs = Path(output.dataset), [Path(pack) for pack in files.packs]
    collected = collect_set_backs(plan, changes, packs, dataset.parent)
    mattered = what_mattered_in(plan.study, changes, collected, launch)
    write_json(Path(output.told), mattered.to_json())
    keep_dataset(dataset, collected)
