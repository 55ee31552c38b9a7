"""Write the spec of the next round, from the answer and the findings of this one."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import read_findings
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import job_of
from tuning_playbook.planning.current import current_plan
from tuning_playbook.procedures.next_study import write_next_study

with job_of(snakemake):
    files, params, output = snakemake.input, snakemake.params, Path(snakemake.output[0])
    study = current_plan(params.spec, "next", params.key).study
    with xr.open_dataset(files.study) as dataset:
        findings = read_findings(Path(files.diagnostics))
        launch = json.loads(Path(files.launch).read_text())
        text = write_next_study(study, dataset, findings, launch, file=output)
        write_atomically(output, text)
