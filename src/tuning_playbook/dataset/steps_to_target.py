"""After how many steps a trial reaches a target of the objective's metric, and stays there."""

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.dataset.curve_noise import Floats

ROUNDING = 1e-6
"""Relative. Metrics are measured in single precision, and 5 errors in 100 are then a little more
than 0.05."""


def place_of_target(values: Floats, target: float, mode: str) -> NDArray[np.int64]:
    """Return at which evaluation each trial reaches the target: [trial]; -1 where it never does.

    That is the first evaluation at which the metric is at the target, or beyond it, and at which it
    is so at the trial's next evaluation too. The last evaluation has none after it: there it is
    enough to be at the target once. The evaluation before the first step counts as any other.

    Args:
        values: The metric, NaN where it was not measured: [trial, evaluation]. A value that is
            infinite was measured, and is not at the target of a loss.
        target: The target.
        mode: `min` where the metric is to fall to the target, `max` where it is to rise to it.

    Example:
        >>> place_of_target(np.array([[0.9, 0.1, 0.3, 0.1, 0.1], [0.9, 0.3, 0.3, 0.3, 0.1]]), 0.2,
        ...                 "min").tolist()
        [3, 4]
    """
    reach = ROUNDING * abs(target)
    at_target = values >= target - reach if mode == "max" else values <= target + reach
    at_target &= np.isfinite(values)
    places = np.full(len(values), -1, np.int64)
    for row, there in enumerate(at_target):
        measured = np.flatnonzero(~np.isnan(values[row]))
        stays = there[measured] & np.append(there[measured][1:], True)
        if stays.any():
            places[row] = measured[np.argmax(stays)]
    return places


def losses_with_censored(
    steps: Floats, censored: NDArray[np.bool_], best: Floats, beyond: float, every: float
) -> Floats:
    """Return a number for each trial by which all are ranked, smaller being better: [trial].

    A censored trial has the fewest steps that it can have needed, and up to one evaluation more, by
    its rank among the censored ones: the better its best value, the less.

    Args:
        steps: Until the target: [trial]; NaN of a censored trial, and of an infeasible one.
        censored: Which trials are: [trial].
        best: Their best values, smaller being better: [trial].
        beyond: The fewest steps that a censored trial can have needed.
        every: Steps between evaluations.

    Example:
        >>> losses_with_censored(np.array([300.0, np.nan, np.nan]), np.array([False, True, True]),
        ...                      np.array([0.1, 0.4, 0.3]), beyond=1100.0, every=100.0).tolist()
        [300.0, 1150.0, 1100.0]
    """
    if not censored.any():
        return steps
    rank = np.searchsorted(np.unique(best[censored]), best) / censored.sum()
    return np.where(censored, beyond + every * rank, steps)
