"""Train some reruns of one arm's best trial, or of the baseline."""

import json
from pathlib import Path

from tuning_playbook.dataset.reruns import rerun_trials
from tuning_playbook.jobs.job import job_of
from tuning_playbook.jobs.train_chosen import train_chosen

with job_of(snakemake):
    chosen = json.loads(Path(snakemake.input[0]).read_text())["arms"]
    params = snakemake.params
    train_chosen(snakemake, rerun_trials(chosen, params.arm, params.numbers))
