"""Draw what the launch is decided by: the best trial of each arm, and every rerun."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.isolation import isolation
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.jobs.job import logged
from tuning_playbook.plots.isolation_plot import isolation_plot
from tuning_playbook.plots.rerun_plot import rerun_plot
from tuning_playbook.plots.style import save
from tuning_playbook.study.study import BASELINE

files, plots = snakemake.input, snakemake.output
with (
    logged(snakemake.log[0]),
    xr.open_dataset(files.study) as study,
    xr.open_dataset(files.reruns) as reruns,
    open_if_any(files.replicates) as replicates,
):
    variances = trial_variance(study, reruns)
    baseline = next((row for row in variances if row.arm == BASELINE), None)
    isolated = isolation(study, reruns, replicates)
    save(isolation_plot(study, isolated, baseline), Path(plots.isolation))
    save(rerun_plot(study, variances), Path(plots.reruns))
