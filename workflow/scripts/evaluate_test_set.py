"""Measure the candidate's best checkpoint on the test split, once."""

import json
from pathlib import Path

from tuning_playbook.files import write_json
from tuning_playbook.jobs.environment import Resources
from tuning_playbook.jobs.job import job_of, resources_of
from tuning_playbook.launches.test_set import evaluate_test_set
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params = snakemake.params
    plan = current_plan(params.spec, "test", params.key)
    launch = json.loads(Path(snakemake.input.launch).read_text())
    resources = Resources(**resources_of(snakemake))
    read = evaluate_test_set(plan, launch, Path(params.folder), resources)
    write_json(Path(snakemake.output[0]), read)
