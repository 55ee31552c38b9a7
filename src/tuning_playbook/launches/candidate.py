"""The candidate of a launch: the trial that the decision is about, as it was trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.dataset.best_checkpoints import checkpoint_steps
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_json import read_trial_json


def candidate_trial(study: Path, launch: Mapping[str, Any]) -> Trial | None:
    """Return the candidate of a launch; None where there is none, or nothing was decided.

    Args:
        study: The study's folder of results.
        launch: Its `launch.json`.

    Raises:
        ArtefactError: The record of the trial is missing or damaged.
    """
    candidate = launch.get("candidate")
    if not candidate or launch["decision"] == "undecided":
        return None
    path = study / "trials" / candidate["trial"] / "trial.json"
    trial = trial_from_json(read_trial_json(path.parent)["trial"])
    if trial.id != candidate["trial"]:
        raise ArtefactError(f"{path}: the record is of trial {trial.id}; it was changed or moved")
    return trial


def checkpoint_step_of(dataset: Path, trial: Trial) -> int:
    """Return the step of the best checkpoint of a trial of a study.

    Args:
        dataset: The study's `study.nc`.
        trial: The trial.

    Raises:
        ArtefactError: The dataset has no such trial.
    """
    with xr.open_dataset(dataset) as study:
        places = [str(item) for item in study["trial"].to_numpy()]
        if trial.id not in places:
            raise ArtefactError(f"{dataset}: it has no trial {trial.id}; run snakemake again")
        return int(checkpoint_steps(study)[places.index(trial.id)])
