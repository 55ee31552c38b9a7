"""Draw the plots of the search: curves, gradient norms, budgets, importance."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import read_findings
from tuning_playbook.jobs.job import job_of
from tuning_playbook.plots.study_plots import diagnostic_plots
from tuning_playbook.plots.style import save

files = snakemake.input
with job_of(snakemake), xr.open_dataset(files.study) as study:
    for name, figure in diagnostic_plots(study, read_findings(Path(files.diagnostics))).items():
        save(figure, Path(snakemake.output[name]))
