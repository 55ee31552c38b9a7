"""Train some of the trials that a round has proposed."""

import json
from pathlib import Path

from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json
from tuning_playbook.trials.trial import trial_from_json

with logged(snakemake.log[0]):
    params = snakemake.params
    proposed = json.loads(Path(snakemake.input[0]).read_text())["trials"]
    trials = map(trial_from_json, proposed[slice(*params.part)])  # there may be fewer
    request = request_from_json(json.loads(params.like)).asking_for(trials)
    output = Path(snakemake.output[0])
    train_pack(request, Path(params.folder), output, **resources_of(snakemake))
