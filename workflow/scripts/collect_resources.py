"""Collect time, memory and machine of every trial into resources.nc."""

from pathlib import Path

import xarray as xr

from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.dataset.resources import collect_resources, describe_resources
from tuning_playbook.jobs.job import job_of

with job_of(snakemake):
    trials: list[str] = []
    for path in snakemake.input:
        with xr.open_dataset(path) as dataset:
            trials += [str(trial) for trial in dataset["trial"].to_numpy()]
    folder = Path(snakemake.params.folder)
    resources = collect_resources(trials, folder / "trials")
    write_dataset(Path(snakemake.output[0]), describe_resources(resources, folder.name))
