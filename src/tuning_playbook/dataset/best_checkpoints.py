"""The best checkpoints of a study's trials: which are kept, and what was measured of each.

They follow from the objective, and the trials do not: so they stand in `checkpoints.nc`, apart from
the numbers of the trials in `study.nc`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.discovery import discovery_attributes
from tuning_playbook.errors import ArtefactError
from tuning_playbook.study.study import Study
from tuning_playbook.trials.best_checkpoint import BestCheckpoint, read_best
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.manifest import BEST, manifest_of
from tuning_playbook.trials.trial_json import read_trial_json


def checkpoint_steps(study: xr.Dataset) -> np.ndarray:
    """Return the step of each trial's best checkpoint: [trial]; -1 where there is none.

    It is the one with the best value of the metric, also where steps to a target rank the trials:
    training keeps it whatever the target is, so another target trains nothing again.

    Args:
        study: A dataset of trials.
    """
    return np.asarray(study["best_steps"].to_numpy()[:, 0])


def collect_checkpoints(study: Study, dataset: xr.Dataset, folder: Path) -> xr.Dataset:
    """Return `checkpoints.nc` of a study whose trials were trained here.

    Where the trials were ranked by another objective when they trained, the checkpoint that is best
    by this one may not be kept, and nothing was measured of it: `kept` says so.

    Args:
        study: The study.
        dataset: Its `study.nc`.
        folder: Its folder of results.
    """
    objective = study.spec.objective
    selection = CheckpointSelection(objective.metric, objective.mode, study.spec.training.keep_best)
    kept, bests = [], []
    steps = checkpoint_steps(dataset).tolist()
    for trial, step in zip(dataset["trial"].to_numpy(), steps, strict=True):
        place = folder / "trials" / str(trial)
        best = read_best(place, selection)
        bests.append(best if best is not None and best.step == step else None)
        kept.append(step in kept_steps(place))
    return checkpoints_dataset(study, [str(t) for t in dataset["trial"].to_numpy()], bests, kept)


def kept_steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints that a trial keeps; none where they were removed."""
    if not manifest_of(folder / "checkpoints", BEST).exists():
        return []
    try:
        steps: list[int] = read_trial_json(folder).get("kept_steps", [])
    except ArtefactError:
        return []
    return steps


def checkpoints_dataset(
    study: Study,
    trials: Sequence[str],
    bests: Sequence[BestCheckpoint | None],
    kept: Sequence[bool],
) -> xr.Dataset:
    """Return `checkpoints.nc`.

    Args:
        study: The study.
        trials: The ids of its trials.
        bests: What was measured of the best checkpoint of each; None where nothing was.
        kept: Whether it is on disk.
    """
    title = f"Best checkpoints of the study {study.name}"
    variables = {
        "kept": (
            "trial",
            np.array(kept, np.int8),
            {"long_name": "whether the checkpoint of the best step is kept: 1 if it is, else 0"},
        ),
        **_whole_variables(study, bests),
        **_class_variables(bests),
    }
    coordinates = {
        "trial": (
            "trial",
            np.array(list(trials), dtype=object),
            {"long_name": "trial id: the first digits of its fingerprint"},
        )
    }
    attributes = discovery_attributes(
        study.name,
        title=title,
        summary=f"{title}: which are kept, and what was measured on the whole validation split",
        keywords=("checkpoints",),
        trials=list(trials),
        history="collected from what the study's training jobs measured of each best checkpoint",
    )
    return xr.Dataset(variables, coords=coordinates, attrs=attributes)


def with_checkpoints(study: xr.Dataset, checkpoints: xr.Dataset) -> xr.Dataset:
    """Return `study.nc` with what `checkpoints.nc` has of the same trials."""
    return study.assign(
        {name: checkpoints[name] for name in checkpoints.data_vars if name != "kept"}
    )


def unkept(study: xr.Dataset, checkpoints: xr.Dataset) -> int:
    """Return how many trials have a best step whose checkpoint is not kept.

    Args:
        study: `study.nc`.
        checkpoints: `checkpoints.nc` of the same trials.
    """
    has_best = checkpoint_steps(study) >= 0
    return int(np.sum(has_best & (checkpoints["kept"].to_numpy() == 0)))


def _whole_variables(study: Study, bests: Sequence[BestCheckpoint | None]) -> dict[str, Any]:
    """Return each metric on the whole split, where periodic evaluations see a sample of it."""
    if not study.spec.training.validation_sample:
        return {}
    variables: dict[str, Any] = {}
    for name, metric in study.workload.metrics.items():
        of_sample = "standard error over a random sample as large as the periodic one"
        means = [best.means.get(name, np.nan) if best else np.nan for best in bests]
        errors = [best.sample_error.get(name, np.nan) if best else np.nan for best in bests]
        variables[f"whole_{name}"] = (
            "trial",
            np.array(means, np.float64),
            {"long_name": f"{metric.description}, at the best step, on the whole split"},
        )
        variables[f"sample_error_{name}"] = (
            "trial",
            np.array(errors, np.float64),
            {"long_name": f"{metric.description}, {of_sample}"},
        )
    return variables


def _class_variables(bests: Sequence[BestCheckpoint | None]) -> dict[str, Any]:
    """Return the right predictions of each class, where there are classes."""
    classes = max((len(best.class_right) for best in bests if best), default=0)
    if not classes:
        return {}
    variables: dict[str, Any] = {}
    for name, what in (("class_right", "right predictions"), ("class_examples", "examples")):
        counts = np.zeros((len(bests), classes), np.int64)
        for row, best in enumerate(bests):
            if best:
                found = getattr(best, name)
                counts[row, : len(found)] = found
        variables[name] = (
            ("trial", "class"),
            counts,
            {"long_name": f"{what} of each class in the validation split, at the best step"},
        )
    return variables
