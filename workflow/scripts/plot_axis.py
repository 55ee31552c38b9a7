"""Draw the axis plot of one searched hyperparameter."""

from pathlib import Path

import xarray as xr

from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.jobs.job import job_of
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.plots.style import save

with job_of(snakemake), xr.open_dataset(snakemake.input.study) as study:
    wanted = tuple(snakemake.params.axis)
    (searched,) = [s for s in read_searched(study) if (s.name, s.condition) == wanted]
    figure = axis_plot(study, searched, slice_count=snakemake.params.slices)
    save(figure, Path(snakemake.output[0]))
