"""Draw every rerun of each arm's best trial and of the baseline."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.job import logged
from tuning_playbook.plots.reruns import rerun_plot
from tuning_playbook.plots.style import save

files = snakemake.input
with (
    logged(snakemake.log[0]),
    xr.open_dataset(files.study) as study,
    xr.open_dataset(files.reruns) as reruns,
):
    save(rerun_plot(study, trial_variance(study, reruns)), Path(snakemake.output[0]))
