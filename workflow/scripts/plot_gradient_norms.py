"""Draw the gradient norms of the best trial of each arm."""

from pathlib import Path

import xarray as xr

from tuning_playbook.job import logged
from tuning_playbook.plots.gradient_norms import gradient_norm_plot
from tuning_playbook.plots.style import save

with logged(snakemake.log[0]), xr.open_dataset(snakemake.input.study) as study:
    save(gradient_norm_plot(study), Path(snakemake.output[0]))
