"""Train the candidate with each of its changes set back, once."""

import json
from pathlib import Path

from tuning_playbook.jobs.job import job_of
from tuning_playbook.jobs.train_chosen import train_chosen
from tuning_playbook.launches.set_back import trials_of

with job_of(snakemake):
    changes = json.loads(Path(snakemake.input[0]).read_text())["changes"]
    train_chosen(snakemake, trials_of(changes, int(snakemake.wildcards.part)))
