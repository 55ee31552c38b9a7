"""Train some of the trials that a round has proposed."""

import json
from pathlib import Path

from tuning_playbook.dataset.pack_file import write_pack
from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.jobs.pack import request_for, train_pack

with logged(snakemake.log[0]):
    params = snakemake.params
    trials = json.loads(Path(snakemake.input[0]).read_text())["trials"]
    request = request_for(trials[slice(*params.part)], params.like)  # there may be fewer
    results = train_pack(request, Path(params.folder), **resources_of(snakemake))
    write_pack(Path(snakemake.output[0]), results)
