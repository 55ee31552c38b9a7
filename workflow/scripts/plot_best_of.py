"""Draw what smaller budgets would have found."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.best_of import best_of
from tuning_playbook.job import logged
from tuning_playbook.plots.best_of import best_of_plot
from tuning_playbook.plots.style import save

with logged(snakemake.log[0]), xr.open_dataset(snakemake.input.study) as study:
    save(best_of_plot(study, best_of(study)), Path(snakemake.output[0]))
