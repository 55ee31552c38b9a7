"""Draw the training curves of all trials."""

from pathlib import Path

import xarray as xr

from tuning_playbook.job import logged
from tuning_playbook.plots.style import save
from tuning_playbook.plots.training_curves import train_loss_curves, training_curves

with logged(snakemake.log[0]), xr.open_dataset(snakemake.input.study) as study:
    save(training_curves(study), Path(snakemake.output.curves))
    save(train_loss_curves(study), Path(snakemake.output.loss))
