"""Answer the playbook's checklist for a study, and say which hyperparameters matter."""

from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.importance import importance
from tuning_playbook.dataset.best_checkpoints import with_checkpoints
from tuning_playbook.dataset.resources import collect_resources
from tuning_playbook.files import write_json
from tuning_playbook.jobs.job import logged
from tuning_playbook.planning.current import current_plan

with logged(snakemake.log[0]):
    params = snakemake.params
    plan = current_plan(params.spec, "diagnostics", params.key, earlier=params.earlier)
    with (
        xr.open_dataset(snakemake.input.study) as collected,
        xr.open_dataset(snakemake.input.checkpoints) as checkpoints,
    ):
        study = with_checkpoints(collected, checkpoints)
        folder = Path(params.folder) / "trials"
        trials = [str(trial) for trial in study["trial"].to_numpy()]
        trained = [trial for trial in trials if (folder / trial).is_dir()]
        # Not of resources.nc, which waits for the reruns.
        resources = collect_resources(trained, folder) if trained else None
        thresholds = plan.study.spec.checklist
        findings = [
            *diagnose(study, resources, thresholds),
            importance(study, thresholds.importance),
        ]
        content = {
            "study": study.attrs["study"],
            "findings": [finding.to_json() for finding in findings],
        }
    write_json(Path(snakemake.output[0]), content)
