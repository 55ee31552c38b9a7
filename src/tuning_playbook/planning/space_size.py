"""How many configurations there are to try."""

import math

from tuning_playbook.study.study import Arm, Dimension


def configurations(arm: Arm) -> float:
    """Return how many different configurations an arm has; infinite where a range has no steps.

    Args:
        arm: Of a search that draws from ranges and choices, which a list does not.
    """
    return sum(math.prod(map(_values, draw.dimensions)) for draw in arm.each_draw())


def _values(item: Dimension) -> float:
    drawn = item.distribution
    if drawn is None:
        return math.inf
    if drawn.kind == "choice":
        return len(drawn.choices)
    return drawn.high - drawn.low + 1 if drawn.integer else math.inf
