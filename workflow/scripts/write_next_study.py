"""Write the spec of the next round, as the findings of this one advise."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import read_findings
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan
from tuning_playbook.procedures.next_study import write_next_study

with logged(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, Path(snakemake.output[0])
    study = current_plan(params.spec, "next", params.key).study
    with xr.open_dataset(files.study) as dataset:
        findings = read_findings(Path(files.diagnostics))
        write_atomically(output, write_next_study(study, dataset, findings, file=output))
