"""Answer the playbook's checklist for a study, and say which hyperparameters matter."""

import json
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.importance import importance
from tuning_playbook.dataset.resources import collect_resources
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(params.spec, "diagnostics", params.key)
    with xr.open_dataset(snakemake.input.study) as study:
        folder = Path(params.folder) / "trials"
        trials = [str(trial) for trial in study["trial"].to_numpy()]
        trained = [trial for trial in trials if (folder / trial).is_dir()]
        # Not of resources.nc, which waits for the reruns.
        resources = collect_resources(trained, folder) if trained else None
        thresholds = plan.study.spec.checklist.model_dump()
        findings = [
            *diagnose(study, resources, thresholds),
            importance(study, **thresholds["importance"]),
        ]
        content = {
            "study": study.attrs["study"],
            "findings": [finding.to_json() for finding in findings],
        }
    write_atomically(Path(snakemake.output[0]), json.dumps(content, indent=1) + "\n")
