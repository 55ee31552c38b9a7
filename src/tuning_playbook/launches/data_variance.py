"""Data variance: how much a configuration's objective differs with the division of the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import number, text
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    fewest_steps,
    members,
    target,
)
from tuning_playbook.study.study import BASELINE


@dataclass(frozen=True)
class DataVariance:
    """The reruns of one configuration on other divisions of the data.

    Attributes:
        arm: The arm whose best trial was rerun, or `baseline`.
        objectives: The objective of each, in the order of the divisions; None for an infeasible
            one.
        mean: The mean of the feasible ones; None where there is none.
        standard_deviation: Of the feasible ones; None with fewer than two. It includes trial
            variance, because every rerun also has its own seed. None, like the mean, where one did
            not reach the target.
        fewest: The objectives; for a rerun that did not reach the target, the fewest steps that it
            can have needed.
    """

    arm: str
    objectives: tuple[float | None, ...]
    mean: float | None
    standard_deviation: float | None
    fewest: tuple[float | None, ...] = ()


def data_variance(study: xr.Dataset, reruns: xr.Dataset | None) -> tuple[DataVariance, ...]:
    """Summarise the reruns on other divisions into training and validation sets.

    The divisions of all configurations are the same, so they can be compared one by one. The
    configuration was chosen on the usual division. On another one it is not the best of many, but
    it is not independent either, because most examples are in the training set of both.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration": "the variance from any sort of random split into training, validation, and test
    data".

    Returns:
        One entry for each arm in the study's order, then the baseline, if they were rerun on
        other divisions; empty where the spec asks for none.
    """
    if reruns is None or "data_split" not in reruns:
        return ()
    rows = [_of_arm(reruns, arm) for arm in (*arm_names(study), BASELINE)]
    return tuple(row for row in rows if row.objectives)


def _of_arm(reruns: xr.Dataset, arm: str) -> DataVariance:
    positions = members(reruns, arm)
    splits = reruns["data_split"].values[positions]
    objectives = reruns["objective"].values[positions]
    order = [place for place in np.argsort(splits, kind="stable") if splits[place]]
    found = tuple(number(objectives[place]) for place in order)
    fewest = tuple(map(number, _comparable(reruns)[positions][order]))
    values = np.array([value for value in found if value is not None])
    if fewest != found:
        values = values[:0]
    return DataVariance(
        arm=arm,
        objectives=found,
        mean=float(values.mean()) if len(values) else None,
        standard_deviation=float(values.std(ddof=1)) if len(values) > 1 else None,
        fewest=fewest,
    )


def _comparable(reruns: xr.Dataset) -> Floats:
    """Return what is compared: each rerun's objective, or the fewest steps to the target."""
    if target(reruns) is None:
        return np.asarray(reruns["objective"].values.astype(float))
    return fewest_steps(reruns)


def improvements(candidate: DataVariance, baseline: DataVariance, *, sign: float) -> list[float]:
    """Return by how much the candidate is better, on each division where both are feasible.

    Args:
        candidate: Its reruns.
        baseline: The baseline's.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
    """
    pairs = zip(candidate.fewest, baseline.fewest, strict=True)
    return [sign * (new - old) for new, old in pairs if new is not None and old is not None]


def what_the_splits_show(
    splits: Sequence[DataVariance], chosen: str | None, sign: float
) -> list[str]:
    """Say on how many other divisions of the data the candidate is better than the baseline.

    Args:
        splits: The data variance of each arm and of the baseline.
        chosen: The arm whose best trial is the candidate; None where there is none.
        sign: 1 where a larger objective is better, -1 where a smaller one is.

    Returns:
        One sentence; none where there is nothing to compare.
    """
    by_arm = {row.arm: row for row in splits}
    if chosen not in by_arm or BASELINE not in by_arm:
        return []
    better = improvements(by_arm[chosen], by_arm[BASELINE], sign=sign)
    if not better:
        return []
    known = all(by_arm[arm].fewest == by_arm[arm].objectives for arm in (chosen, BASELINE))
    middle = float(np.mean(better) if known else np.median(better))
    over = "on average over" if known else "in the median of"
    return [
        f"Of {len(better)} other divisions of the data into training and validation sets, the "
        f"candidate is better than the baseline on {sum(value > 0 for value in better)}; "
        f"{over} them it is {'better' if middle > 0 else 'worse'} by {text(abs(middle))}."
    ]
