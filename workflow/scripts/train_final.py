"""Train the candidate once more, on training and validation data together."""

import json
from pathlib import Path

from tuning_playbook.files import write_json
from tuning_playbook.jobs.environment import Resources
from tuning_playbook.jobs.job import job_of, resources_of
from tuning_playbook.launches.final_model import train_final_model
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params, output = snakemake.params, Path(snakemake.output[0])
    plan = current_plan(params.spec, "final", params.key)
    launch = json.loads(Path(snakemake.input.launch).read_text())
    resources = Resources(**resources_of(snakemake))
    trained = train_final_model(plan, launch, Path(params.folder), output.parent, resources)
    write_json(output, trained)
