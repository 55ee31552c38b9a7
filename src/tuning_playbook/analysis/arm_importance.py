"""What the hyperparameters of one arm explain: in all of it, and in its parts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.axis import Axis
from tuning_playbook.analysis.good_region import GoodRegion, good_region
from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    losses,
    ranked,
    without_the_worst,
)
from tuning_playbook.analysis.sampling_scale import choice_place, sampling_scale, values_tried
from tuning_playbook.analysis.search_axes import in_some_trials, search_axes
from tuning_playbook.analysis.sobol_indices import SobolIndices, sobol_indices
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.needs import model_can_be_fitted
from tuning_playbook.study.thresholds import Importance

LEAST_PREDICTED = 0.2
"""Where less of the variance of trials left out is predicted the fitted function is mostly made
up, and so would be what is said of its hyperparameters."""

PREDICTED_BY_CHANCE = 3.0
"""Of noise a function with d length scales, chosen for n trials, predicts up to 3 (d + 1) / n of
the variance of trials left out, in 95 studies of a hundred (simulated, 20 to 64 trials)."""

BETTER = {0.25: "quarter", 1 / 3: "third", 0.5: "half"}
"""The shares of an arm's trials that span its good region: the first whose region is smaller than
the search space and in which the function predicts trials left out, else the last such region."""

DIGITS = 3
"""Of the ends of the good region, which no more trials tell."""

MOST_TRIALS = 256
"""The cost of the fit grows with their cube; of more trials evenly spaced ones are taken."""


@dataclass(frozen=True)
class ArmImportance:
    """What matters in one arm.

    Attributes:
        whole: The numbers of the whole arm.
        parts: Those of its good region, where there is one, and of the trials that have what
            others lack.
        left_out: The hyperparameters that some of its trials lack.
    """

    whole: dict[str, Any]
    parts: tuple[dict[str, Any], ...]
    left_out: tuple[dict[str, Any], ...]


def arm_importance(study: xr.Dataset, arm: str, thresholds: Importance) -> ArmImportance:
    """Return what matters in an arm, in its good region, and among the trials that have it."""
    trials = np.sort(ranked(study, arm))
    whole = _fit(study, arm, _thinned(trials), thresholds) | {"feasible": len(trials)}
    good = _good_region(study, arm, trials, thresholds)
    # What hardly matters over all may rule the region that the next round is about.
    for row in whole.get("hyperparameters", ()):
        row["can_be_fixed"] &= good is None or _hardly_matters(row["hyperparameter"], good)
    partly = in_some_trials(study, arm, trials)
    # Those that the same trials have share a fit.
    together: dict[bytes, list[str]] = {}
    for name, has in partly.items():
        together.setdefault(has.tobytes(), []).append(name)
    having = [
        _fit(study, arm, _thinned(trials[partly[names[0]]]), thresholds)
        | {
            "part": f"among the trials with {' and '.join(names)}",
            "feasible": int(partly[names[0]].sum()),
            "ranges": {},
            "values": {},
        }
        for names in together.values()
    ]
    left_out = [
        {"arm": arm, "hyperparameter": name, "trials": int(has.sum()), "feasible": len(trials)}
        for name, has in partly.items()
    ]
    return ArmImportance(whole, (*([good] if good else ()), *having), tuple(left_out))


def _hardly_matters(name: str, good: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter may be fixed as far as the good region goes."""
    if not good["told"]:
        return False
    rows = {row["hyperparameter"]: row for row in good["hyperparameters"]}
    return name not in rows or bool(rows[name]["can_be_fixed"])


def _thinned(trials: Indices) -> Indices:
    if len(trials) <= MOST_TRIALS:
        return trials
    return np.asarray(trials[np.linspace(0, len(trials) - 1, MOST_TRIALS).astype(int)])


def _good_region(
    study: xr.Dataset, arm: str, trials: Indices, thresholds: Importance
) -> dict[str, Any] | None:
    """Return the numbers of the region of the better trials; None where it is the whole space."""
    axes, loss = search_axes(study, arm, trials), losses(study)[trials]
    regions = {name: good_region(axes, loss, share) for share, name in BETTER.items() if axes}
    found: dict[str, Any] | None = None
    for name, region in regions.items():
        if not region.cut:
            continue
        thin = _thinned(np.arange(len(region.trials)))
        inside = {
            key: replace(axis, columns=axis.columns[thin]) for key, axis in region.axes.items()
        }
        found = _fit_axes(arm, inside, loss[region.trials[thin]], thresholds) | {
            "part": f"in the region of the better {name}",
            "feasible": len(region.trials),
            "ranges": _ranges(study, arm, region),
            "values": _values(study, arm, region, trials),
        }
        if found["told"]:
            break
    return found


def _ranges(study: xr.Dataset, arm: str, region: GoodRegion) -> dict[str, list[float]]:
    """Return the ends of each range that a region cuts."""
    found = {}
    for item in read_searched(study):
        scale = sampling_scale(study, item)
        if arm in item.arms and item.name in region.cut and scale is not None:
            ends = map(scale.value, region.ends[item.name])
            found[item.name] = [float(f"{end:.{DIGITS}g}") for end in ends]
    return found


def _values(
    study: xr.Dataset, arm: str, region: GoodRegion, trials: Indices
) -> dict[str, list[Any]]:
    """Return the values that a region leaves of each choice of which it cuts some."""
    found = {}
    for item in read_searched(study):
        if arm in item.arms and item.name in region.cut and sampling_scale(study, item) is None:
            choices = values_tried(study, item)
            given = study[item.variable].values[trials[region.trials]]
            left = {choice_place(value, choices) for value in given}
            found[item.name] = [value for place, value in enumerate(choices) if place in left]
    return found


def _fit(study: xr.Dataset, arm: str, trials: Indices, thresholds: Importance) -> dict[str, Any]:
    return _fit_axes(arm, search_axes(study, arm, trials), losses(study)[trials], thresholds)


def _fit_axes(
    arm: str, axes: Mapping[str, Axis], loss: Floats, thresholds: Importance
) -> dict[str, Any]:
    """Return the numbers of some trials of an arm; without indices where they are too few."""
    row: dict[str, Any] = {"arm": arm, "used": len(loss), "predicted": None, "told": False}
    if not model_can_be_fitted(len(loss), len(axes)) or not np.ptp(loss) > 0:
        return row
    indices = sobol_indices(list(axes.values()), without_the_worst(loss))
    by_chance = PREDICTED_BY_CHANCE * (len(axes) + 1) / len(loss)
    told = indices.predicted >= max(LEAST_PREDICTED, by_chance)
    names = list(axes)
    return row | {
        "predicted": number(indices.predicted),
        "told": told,
        "hyperparameters": _hyperparameters(arm, names, indices, told, thresholds.negligible),
        "pairs": _pairs(arm, names, indices, told, thresholds.interaction),
    }


def _hyperparameters(
    arm: str, names: Sequence[str], indices: SobolIndices, told: bool, negligible: float
) -> list[dict[str, Any]]:
    """Return the indices of each hyperparameter of an arm, the largest total index first."""
    rows = [
        {
            "arm": arm,
            "hyperparameter": name,
            "main": main.index,
            "main_low": main.low,
            "main_high": main.high,
            "total": total.index,
            "total_low": total.low,
            "total_high": total.high,
            "can_be_fixed": told and total.high < negligible,
        }
        for name, main, total in zip(names, indices.main, indices.total, strict=True)
    ]
    return sorted(rows, key=lambda row: float(row["total"]), reverse=True)


def _pairs(
    arm: str, names: Sequence[str], indices: SobolIndices, told: bool, interaction: float
) -> list[dict[str, Any]]:
    """Return the index of each pair of an arm's hyperparameters, the largest first."""
    rows = [
        {
            "arm": arm,
            "hyperparameters": [names[one], names[other]],
            **asdict(share),
            "tune_together": told and share.low > interaction,
        }
        for (one, other), share in indices.pairs.items()
    ]
    return sorted(rows, key=lambda row: float(row["index"]), reverse=True)
