"""How well two rankings of the same trials agree: Kendall's rank correlation with an interval.

The interval is exact where one ranking scatters about the other as in Mallows' model, in which a
ranking with d pairs in the other order has a probability proportional to q to the power d. Without
any relation q is 1, and every order is as likely.

Sources: M. G. Kendall, "A new measure of rank correlation", 1938; C. L. Mallows, "Non-null ranking
models. I", 1957; C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits
illustrated in the case of the binomial", 1934.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

CONFIDENCE = 0.95

MOST_SPREAD = 40.0
"""Largest absolute value for the logarithm of q; beyond it only one order is possible."""

HALVINGS = 60
"""Bisection steps of that interval; the rest is below double precision."""


@dataclass(frozen=True)
class Agreement:
    """How well two rankings agree.

    Attributes:
        correlation: Kendall's correlation: 1 for the same order, -1 for the opposite one. A tie
            counts 0.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    correlation: float
    low: float
    high: float


def agreement(ones: Sequence[float], others: Sequence[float]) -> Agreement:
    """Return how well two rankings of the same trials agree.

    A pair that is tied in either of them counts as disagreement for the lower end, and as agreement
    for the upper one.

    Args:
        ones: What each trial is ranked by: [trial].
        others: The same in the other ranking: [trial].

    Example:
        >>> found = agreement([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])
        >>> found.correlation, round(found.low, 2), round(found.high, 2)
        (0.8, -0.1, 0.99)
    """
    same = opposite = 0
    for (one, other), (one_later, other_later) in itertools.combinations(
        zip(ones, others, strict=True), 2
    ):
        product = _sign(one - one_later) * _sign(other - other_later)
        same += product > 0
        opposite += product < 0
    trials, pairs = len(ones), math.comb(len(ones), 2)
    if not pairs:
        return Agreement(math.nan, -1.0, 1.0)
    return Agreement(
        correlation=(same - opposite) / pairs,
        low=_lowest(trials, pairs - same),
        high=-_lowest(trials, pairs - opposite),
    )


@cache
def _lowest(trials: int, disagreeing: int) -> float:
    """Return the lowest correlation at which this few pairs disagree with a chance of 0.025.

    Args:
        trials: The number of trials.
        disagreeing: The pairs that are in the other order.
    """
    if disagreeing == math.comb(trials, 2):
        return -1.0
    low, high = -MOST_SPREAD, MOST_SPREAD
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        chances = _chances(trials, middle)
        if math.fsum(chances[: disagreeing + 1]) > (1 - CONFIDENCE) / 2:
            low = middle
        else:
            high = middle
    expected = math.fsum(count * chance for count, chance in enumerate(_chances(trials, low)))
    return 1 - 2 * expected / math.comb(trials, 2)


def _chances(trials: int, log_q: float) -> list[float]:
    """Return the probability of each number of disagreeing pairs: [pairs]."""
    logs = [math.log(orders) + count * log_q for count, orders in enumerate(_orders(trials))]
    largest = max(logs)
    weights = [math.exp(item - largest) for item in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


@cache
def _orders(trials: int) -> tuple[int, ...]:
    """Return how many orders have each number of pairs in another order than a given one: [pairs].

    Example:
        >>> _orders(3)
        (1, 2, 2, 1)
    """
    counts = [1]
    for size in range(2, trials + 1):
        wider = [0] * (len(counts) + size - 1)
        for place, count in enumerate(counts):
            for more in range(size):
                wider[place + more] += count
        counts = wider
    return tuple(counts)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
