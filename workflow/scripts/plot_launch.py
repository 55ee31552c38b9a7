"""Draw what the launch decision rests on: the best trial of each arm, and every rerun."""

from pathlib import Path

import xarray as xr

from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.jobs.job import job_of
from tuning_playbook.plots.study_plots import launch_plots
from tuning_playbook.plots.style import save

files = snakemake.input
with (
    job_of(snakemake),
    xr.open_dataset(files.study) as study,
    xr.open_dataset(files.reruns) as reruns,
    open_if_any(files.replicates) as replicates,
):
    drawn = launch_plots(study, reruns, replicates, slice_count=snakemake.params.slices)
    for name, figure in drawn.items():
        save(figure, Path(snakemake.output[name]))
