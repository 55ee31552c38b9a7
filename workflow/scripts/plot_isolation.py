"""Draw the isolation plot: the best trial of each arm, with its reruns."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.variance import BASELINE, trial_variance
from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.job import logged
from tuning_playbook.plots.isolation import isolation_plot
from tuning_playbook.plots.style import save

files = snakemake.input
with (
    logged(snakemake.log[0]),
    xr.open_dataset(files.study) as study,
    xr.open_dataset(files.reruns) as reruns,
    open_if_any(files.replicates) as replicates,
):
    variances = {row.arm: row for row in trial_variance(study, reruns)}
    figure = isolation_plot(study, isolation(study, reruns, replicates), variances.get(BASELINE))
    save(figure, Path(snakemake.output[0]))
