"""Write the spec of the next round, as the findings of this one advise."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan
from tuning_playbook.procedures.next_study import write_next_study

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    study = current_plan(params.spec, "next", params.key).study
    content = json.loads(Path(files.diagnostics).read_text())
    findings = [Finding(**finding) for finding in content["findings"]]
    output = Path(snakemake.output[0])
    with xr.open_dataset(files.study) as dataset:
        write_atomically(output, write_next_study(study, dataset, findings, file=output))
