"""The unit in which some values are counted."""

import numpy as np

from tuning_playbook.analysis.ranking import Floats

ROUNDING = 1e-6
"""Values that differ by a smaller part of their range are equal."""

OF_A_STEP = 1 / np.sqrt(12)
"""Standard deviation of what rounding takes away, as a part of the unit."""


def resolution(values: Floats) -> float:
    """Return the smallest difference between values that are not equal but for rounding: [n].

    Of a metric that counts examples this is one example, or a few; of values that are measured it
    is as good as nothing. 0 where all are equal, or there is none.

    Example:
        >>> resolution(np.array([0.5, 0.25, 0.25, 1.0]))
        0.25
    """
    gaps = np.diff(np.sort(values))
    gaps = gaps[gaps > ROUNDING * gaps.sum()]
    return float(gaps.min()) if len(gaps) else 0.0
