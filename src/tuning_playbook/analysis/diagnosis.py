"""The content of `diagnostics.json`: the checklist's answers, and which hyperparameters matter."""

from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.importance import importance
from tuning_playbook.analysis.nothing_matters import nothing_matters
from tuning_playbook.dataset.best_checkpoints import with_checkpoints
from tuning_playbook.dataset.resources import collect_resources
from tuning_playbook.study.thresholds import Checklist


def diagnose_study(
    dataset: Path, checkpoints: Path, trials: Path, checklist: Checklist
) -> dict[str, Any]:
    """Return what the checklist finds of a study, as a JSON object.

    Args:
        dataset: Its `study.nc`.
        checkpoints: Its `checkpoints.nc`.
        trials: The folder of its trials, which tell their time and machine. `resources.nc` has
            these too, but waits for the reruns.
        checklist: The thresholds.
    """
    with xr.open_dataset(dataset) as collected, xr.open_dataset(checkpoints) as best:
        study = with_checkpoints(collected, best)
        names = [str(trial) for trial in study["trial"].to_numpy()]
        trained = [name for name in names if (trials / name).is_dir()]
        resources = collect_resources(trained, trials) if trained else None
        findings = findings_of(study, resources, checklist)
        return {
            "study": study.attrs["study"],
            "findings": [finding.to_json() for finding in findings],
        }


def findings_of(
    study: xr.Dataset, resources: xr.Dataset | None, checklist: Checklist
) -> list[Finding]:
    """Return what the checklist finds of a study, and which hyperparameters matter.

    Args:
        study: Its `study.nc`, with what `checkpoints.nc` has of the trials.
        resources: Time and machine of its trials; None where they tell none.
        checklist: The thresholds.
    """
    return [
        *diagnose(study, resources, checklist),
        nothing_matters(study, checklist.nothing_matters),
        importance(study, checklist.importance),
    ]
