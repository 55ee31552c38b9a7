"""Train some reruns of one arm's best trial, or of the baseline."""

import json
from pathlib import Path

from tuning_playbook.dataset.pack_file import write_pack
from tuning_playbook.dataset.reruns import rerun_request
from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.jobs.pack import request_from_json, train_pack

with logged(snakemake.log[0]):
    params = snakemake.params
    chosen = json.loads(Path(snakemake.input[0]).read_text())
    request = request_from_json(rerun_request(chosen, params.arm, params.numbers, params.like))
    results = train_pack(request, Path(params.folder), **resources_of(snakemake))
    write_pack(Path(snakemake.output[0]), results)
