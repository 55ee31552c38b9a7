"""Train some reruns of one arm's best trial, or of the baseline."""

import json
from pathlib import Path

from tuning_playbook.dataset.reruns import rerun_trials
from tuning_playbook.jobs.job import logged, resources_of
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.trials.request import request_from_json

with logged(snakemake.log[0]):
    params = snakemake.params
    chosen = json.loads(Path(snakemake.input[0]).read_text())["arms"]
    trials = rerun_trials(chosen, params.arm, params.numbers)
    request = request_from_json(json.loads(params.like)).asking_for(trials)
    output = Path(snakemake.output[0])
    train_pack(request, Path(params.folder), output, **resources_of(snakemake))
