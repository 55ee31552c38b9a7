"""Train some of the trials that a round has proposed."""

import json
from pathlib import Path

from tuning_playbook.jobs.job import job_of
from tuning_playbook.jobs.train_chosen import train_chosen
from tuning_playbook.trials.trial import trial_from_json

with job_of(snakemake):
    proposed = json.loads(Path(snakemake.input[0]).read_text())["trials"]
    part = proposed[slice(*snakemake.params.part)]  # there may be fewer
    train_chosen(snakemake, map(trial_from_json, part))
