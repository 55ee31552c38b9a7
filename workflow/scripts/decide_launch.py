"""Decide whether the candidate replaces the baseline."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.launch import decide
from tuning_playbook.files import write_atomically
from tuning_playbook.job import current_plan, logged
from tuning_playbook.spec.caveats import caveats

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    plan = current_plan(params.spec, "launch", params.key)
    content = json.loads(Path(files.diagnostics).read_text())
    findings = [Finding(**finding) for finding in content["findings"]]
    with xr.open_dataset(files.study) as study, xr.open_dataset(files.reruns) as reruns:
        launch = decide(
            study,
            reruns,
            findings,
            min_improvement=plan.study.spec.launch.min_improvement,
            complexity=plan.study.spec.launch.complexity,
            caveats=caveats(plan.study),
        )
    write_atomically(Path(snakemake.output[0]), json.dumps(launch.to_json(), indent=1) + "\n")
