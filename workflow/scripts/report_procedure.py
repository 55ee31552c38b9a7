"""Write the report of a procedure."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import job_of
from tuning_playbook.report.procedure_report import render_procedure

files = snakemake.input
with job_of(snakemake), xr.open_dataset(files.dataset) as dataset:
    html = render_procedure(
        Path(files.conclusion).parent.name,
        json.loads(Path(files.conclusion).read_text()),
        dataset,
        plots={Path(file).stem: Path(file).read_text() for file in files.plots},
        next_study=Path(files.next_study).read_text(),
    )
    write_atomically(Path(snakemake.output[0]), html)
