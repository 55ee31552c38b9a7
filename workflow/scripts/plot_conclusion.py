"""Draw one plot of a procedure's conclusion."""

from pathlib import Path

import xarray as xr

from tuning_playbook.jobs.job import job_of
from tuning_playbook.plots.conclusion_plots import conclusion_plot
from tuning_playbook.plots.style import save

with job_of(snakemake), xr.open_dataset(snakemake.input.dataset) as dataset:
    save(conclusion_plot(dataset, snakemake.wildcards.plot), Path(snakemake.output[0]))
