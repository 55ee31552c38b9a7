"""After how many steps a trial reaches a target of the objective's metric, and stays there."""

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.dataset.evaluation_noise import Floats

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
