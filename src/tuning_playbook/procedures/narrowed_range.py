"""A range narrowed to where the better trials lie."""

import math
from collections.abc import Sequence

from tuning_playbook.declarations import Value
from tuning_playbook.study.distributions import Distribution

BETTER = 0.25
"""Share of the feasible trials that are the better ones."""

LEAST_BETTER = 4
"""So few better trials span next to nothing of a range by chance alone."""

LEAST_TRIALS = 8
"""With fewer feasible trials ranges stay as they are."""

MARGIN = 0.1
"""Of the range, beyond the better trials on either side."""

WORTH_IT = 0.8
"""A range of which more than so much would be left stays as it is."""

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
    """Return where a value lies in a range, from 0 at its low end to 1.

    Example:
        >>> place_in(Distribution("log_uniform", 0.01, 1.0), 0.1)
        0.5
    """
    low, high, number = distribution.low, distribution.high, float(value)
    if distribution.scale == "log":
        low, high, number = math.log(low), math.log(high), math.log(number)
    return min(max((number - low) / (high - low), 0.0), 1.0)


def value_at(distribution: Distribution, place: float) -> int | float:
    """Return the value at a place of a range, see `place_in`, in four digits."""
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
        distribution: What was searched: no choice.
        places: Where the better trials lie in it, see `place_in`.
    """
    low, high = max(0.0, min(places) - MARGIN), min(1.0, max(places) + MARGIN)
    if high - low > WORTH_IT:
        return None
    ends = value_at(distribution, low), value_at(distribution, high)
    return ends if ends[0] < ends[1] else None
