"""Import finished trials into the datasets of their study."""

from pathlib import Path

from tuning_playbook.analysis.import_datasets import import_datasets
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan

with job_of(snakemake):
    params = snakemake.params
    plan = current_plan(params.spec, "reruns", params.key)
    for name, dataset in import_datasets(plan).items():
        write_dataset(Path(snakemake.output[name]), dataset)
