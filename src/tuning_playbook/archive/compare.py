"""Compare a trial that was trained again with the archive's record of it, bit for bit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.variance import on_the_usual_data
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.record import TrialRecord


@dataclass(frozen=True)
class TrialVariance:
    """How much the objective varies over seeds, as the archive measured it.

    Attributes:
        of: The arm whose reruns show it.
        reruns: The number of feasible reruns.
        standard_deviation: The standard deviation of their objective; NaN for fewer than two.
        degrees: The degrees of freedom: the number of reruns, less one for each of their arms.
    """

    of: str
    reruns: int
    standard_deviation: float
    degrees: int


def differing_curves(one: TrialRecord, other: TrialRecord) -> list[str]:
    """Return the names of the curves that are not bit-identical in two records of a trial."""
    found = []
    for mine, theirs in ((one.evaluations, other.evaluations), (one.logged, other.logged)):
        for name in sorted(mine.values.keys() | theirs.values.keys()):
            pair = [np.asarray(curves.values.get(name, ())) for curves in (mine, theirs)]
            if not _same(*pair):
                found.append(name)
    return found


def differing_variables(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the paths of the arrays that are not bit-identical in two checkpoints.

    Args:
        one: A nested mapping of arrays.
        other: Another.
    """
    mine, theirs = dict(_leaves("", one)), dict(_leaves("", other))
    return [
        name
        for name in sorted(mine.keys() | theirs.keys())
        if name not in mine or name not in theirs or not _same(mine[name], theirs[name])
    ]


def trial_variance(reruns: Path, arm: str) -> TrialVariance:
    """Return the trial variance of an arm; without reruns of it, of all reruns about their means.

    It is the variance of the metric's best value, as `objective_of` gives it.

    Args:
        reruns: The archive's `reruns.nc`.
        arm: The arm's name.
    """
    with xr.open_dataset(reruns) as dataset:
        alike = on_the_usual_data(dataset, np.arange(dataset.sizes["trial"]))
        arms = dataset["arm"].to_numpy().astype(str)[alike]
        # If a target ranks the trials, the objective is a number of steps.
        best = dataset["best_value" if "best_value" in dataset else "objective"]
        objective = best.to_numpy().astype(float)[alike]
    feasible = np.isfinite(objective)
    of_arm = objective[feasible & (arms == arm)]
    if len(of_arm) > 1:
        return TrialVariance(arm, len(of_arm), float(of_arm.std(ddof=1)), len(of_arm) - 1)
    groups = [objective[feasible & (arms == name)] for name in np.unique(arms)]
    freedom = sum(len(group) - 1 for group in groups if len(group))
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group))
    deviation = float(np.sqrt(squares / freedom)) if freedom else float("nan")
    return TrialVariance("all arms", int(feasible.sum()), deviation, freedom)


def objective_of(record: TrialRecord, selection: CheckpointSelection) -> float:
    """Return the best value of a trial; NaN if no value is finite."""
    values = np.asarray(record.evaluations.values[selection.metric], np.float64)
    finite = values[np.isfinite(values)]
    best = np.max if selection.mode == "max" else np.min
    return float(best(finite)) if len(finite) else math.nan


def arm_of(results: Path, trial: str) -> str:
    """Return the arm of a trial, of a rerun or of a trial of a repeat of the search."""
    datasets = [
        results / name for name in ("study.nc", "reruns.nc", "replicates.nc", "set_back.nc")
    ]
    for path in filter(Path.is_file, datasets):
        with xr.open_dataset(path) as dataset:
            arms = zip(dataset["trial"].to_numpy(), dataset["arm"].to_numpy(), strict=True)
            found = {str(each): str(arm) for each, arm in arms}
        if trial in found:
            return found[trial]
    return ""


def _leaves(place: str, tree: Any) -> list[tuple[str, np.ndarray]]:
    if isinstance(tree, Mapping):
        return [leaf for name in tree for leaf in _leaves(f"{place}/{name}", tree[name])]
    if isinstance(tree, list | tuple):
        return [leaf for i, item in enumerate(tree) for leaf in _leaves(f"{place}/{i}", item)]
    return [(place, np.asarray(tree))]


def _same(mine: np.ndarray, theirs: np.ndarray) -> bool:
    shapes = (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
    return shapes and mine.tobytes() == theirs.tobytes()
