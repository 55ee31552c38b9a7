"""Decide whether the candidate replaces the baseline."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.launches.decision import decide
from tuning_playbook.planning.current import current_plan
from tuning_playbook.study.caveats import caveats

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    plan = current_plan(params.spec, "launch", params.key)
    content = json.loads(Path(files.diagnostics).read_text())
    findings = [Finding(**finding) for finding in content["findings"]]
    with (
        xr.open_dataset(files.study) as study,
        xr.open_dataset(files.reruns) as reruns,
        open_if_any(files.replicates) as replicates,
    ):
        launch = decide(
            study,
            reruns,
            findings,
            replicates=replicates,
            min_improvement=plan.study.spec.launch.min_improvement,
            complexity=plan.study.spec.launch.complexity,
            caveats=caveats(plan.study),
            decide_incomplete=params.decide_incomplete,
        )
    write_atomically(Path(snakemake.output[0]), json.dumps(launch.to_json(), indent=1) + "\n")
