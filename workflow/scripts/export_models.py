"""Export the best checkpoint of each arm as a function that does not need this package."""

from pathlib import Path

import xarray as xr

from tuning_playbook.files import write_json
from tuning_playbook.jobs.environment import Resources
from tuning_playbook.jobs.job import job_of, resources_of
from tuning_playbook.launches.models import export_models
from tuning_playbook.planning.current import current_plan
from tuning_playbook.trials.artefact_hashes import write_hash

files, params = snakemake.input, snakemake.params
with job_of(snakemake), xr.open_dataset(files.study) as study:
    plan = current_plan(params.spec, "models", params.key, proposals=files.proposals)
    resources = Resources(**resources_of(snakemake))
    models = export_models(plan, study, Path(params.folder), resources)
    output, exported = Path(snakemake.output[0]), models["models"].values()
    write_json(output, models)
    write_hash(output.parent, output, parts={item["path"]: item["sha256"] for item in exported})
