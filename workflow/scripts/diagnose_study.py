"""Answer the playbook's checklist for a study."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.files import write_atomically
from tuning_playbook.job import logged

with logged(snakemake.log[0]):
    with xr.open_dataset(snakemake.input.study) as study:
        findings = [finding.to_json() for finding in diagnose(study)]
        content = {"study": study.attrs["study"], "findings": findings}
    write_atomically(Path(snakemake.output[0]), json.dumps(content, indent=1) + "\n")
