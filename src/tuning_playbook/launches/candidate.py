"""The candidate of a launch: the trial that was decided about, as it was trained."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.trial import Trial, trial_from_json


def candidate_trial(study: Path, launch: Mapping[str, Any]) -> Trial | None:
    """Return the candidate of a launch; None where there is none, or nothing was decided of it.

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
    try:
        trial = trial_from_json(json.loads(path.read_text())["trial"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(
            f"{path}: the record of the candidate cannot be read ({error!r}); remove its folder "
            "and its pack, and run snakemake again"
        ) from None
    if trial.id != candidate["trial"]:
        raise ArtefactError(f"{path}: the record is of trial {trial.id}; it was changed or moved")
    return trial
