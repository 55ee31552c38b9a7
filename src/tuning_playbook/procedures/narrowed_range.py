"""A range narrowed to where the better trials lie."""

import math
from collections.abc import Sequence

from tuning_playbook.declarations import Value
from tuning_playbook.study.distributions import Distribution

BETTER = 0.25
"""The share of the feasible trials that are the better ones."""

LEAST_BETTER = 4
"""Fewest better trials: fewer may lie close together by chance."""

LEAST_TRIALS = 8
"""Fewest feasible trials with which a range is narrowed."""

MARGIN = 0.1
"""The part of the range to keep beyond the better trials on either side."""

WORTH_IT = 0.8
"""Largest part of a range that may be left; if more were left, the range stays as it is."""

Ends = tuple[int | float, int | float]


def better_trials(feasible: int) -> int:
    """Return how many of the feasible trials are the better ones; 0 where they are too few.

    Example:
        >>> better_trials(7), better_trials(8), better_trials(40)
        (0, 4, 10)
    """
    if feasible < LEAST_TRIALS:
        return 0
    return max(LEAST_BETTER, math.ceil(BETTER * feasible))


def place_in(distribution: Distribution, value: Value) -> float:
    """Return the place of a value in a range, from 0 at its low end to 1.

    Example:
        >>> place_in(Distribution("log_uniform", 0.01, 1.0), 0.1)
        0.5
    """
    low, high, number = distribution.low, distribution.high, float(value)
    if distribution.scale == "log":
        low, high, number = math.log(low), math.log(high), math.log(number)
    return min(max((number - low) / (high - low), 0.0), 1.0)


def value_at(distribution: Distribution, place: float) -> int | float:
    """Return the value at a place of a range (see `place_in`), with four digits."""
    low, high = distribution.low, distribution.high
    if distribution.scale == "log":
        value = low * (high / low) ** place
    else:
        value = low + place * (high - low)
    return round(value) if distribution.integer else float(f"{value:.4g}")


def narrowed(distribution: Distribution, places: Sequence[float]) -> Ends | None:
    """Return the ends of the range around some places; None where it stays as it is.

    Source: playbook, "After exploration concludes": the search goes on in a refined space that
    comfortably contains the region around the best trial.

    Args:
        distribution: The searched range, not a choice.
        places: The places of the better trials in it, see `place_in`.
    """
    low, high = max(0.0, min(places) - MARGIN), min(1.0, max(places) + MARGIN)
    if high - low > WORTH_IT:
        return None
    ends = value_at(distribution, low), value_at(distribution, high)
    return ends if ends[0] < ends[1] else None
