"""Two samples compared by ranks alone: which one is better, and by how much. On arrays alone.

Steps to a target have no mean where some runs did not reach it. Their ranks are known all the same:
a run that did not reach the target is worse than any that did.

Sources: F. Wilcoxon, "Individual comparisons by ranking methods", 1945; J. L. Hodges and E. L.
Lehmann, "Estimates of location based on rank tests", 1963; G. E. Noether, "Sample size
determination for some common nonparametric tests", 1987; S. Holm, "A simple sequentially rejective
multiple test procedure", 1979.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from tuning_playbook.analysis.ranking import Floats

POWER = 0.8
"""The probability that as many values as are said to be enough show a difference."""

MOST_EXACT = 60
"""Values in a stratum up to which its null distribution is counted out; the normal one stands in
beyond."""

ROUNDING = 1e-9

Strata = Sequence[tuple[Floats, Floats]]
"""Pairs of samples that are compared with each other alone, larger values being better."""


@dataclass(frozen=True)
class Shift:
    """By how much the values of one sample are larger than those of another.

    Attributes:
        estimate: The median of all differences between two values, one of each sample.
        low: Lower end of its interval.
        high: Upper end.
        p: Of there being no difference, two-sided.
        better: The share of the pairs in which the first sample is better, ties counting half.
    """

    estimate: float
    low: float
    high: float
    p: float
    better: float


def p_of_no_better(strata: Strata) -> float:
    """Return the p-value of the first samples being no better than the second ones, one-sided.

    The statistic is the sum of their ranks, those of each stratum among its own values, equal ones
    having their mean rank. Its distribution is that of every division of the values into samples of
    these sizes: counted out, so that it holds for any number of ties.

    Args:
        strata: One pair of samples, or several.

    Example:
        >>> ones, others = np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 2.0])
        >>> p_of_no_better([(ones, others)])  # one division of C(6, 3) = 20
        0.05
    """
    doubled = [_doubled_ranks(*pair) for pair in strata]
    sizes = [len(one) for one, _ in strata]
    observed = sum(int(ranks[:size].sum()) for ranks, size in zip(doubled, sizes, strict=True))
    if max(map(len, doubled)) > MOST_EXACT:
        return _normal_tail(doubled, sizes, observed)
    chances = np.ones(1)
    for ranks, size in zip(doubled, sizes, strict=True):
        chances = np.convolve(chances, _distribution(ranks, size))
    return float(min(1.0, chances[observed:].sum()))


def shift(strata: Strata, *, confidence: float, reach: float) -> Shift:
    """Return by how much the first samples are better than the second ones.

    The interval holds every shift that the rank test does not reject, half of the error on either
    side.

    Args:
        strata: One pair of samples, or several.
        confidence: Of the interval.
        reach: The largest difference that there can be: where the values are too few for an end
            with such confidence, it is there.

    Example:
        >>> found = shift([(np.arange(5.0) + 10, np.arange(5.0))], confidence=0.95, reach=100.0)
        >>> found.estimate, found.low, found.high, round(found.p, 4)
        (10.0, 7.0, 13.0, 0.0079)
    """
    differences = np.unique(
        np.concatenate([np.subtract.outer(one, other).ravel() for one, other in strata])
    )
    every = np.concatenate([np.subtract.outer(one, other).ravel() for one, other in strata])
    worse = [(other, one) for one, other in strata]
    return Shift(
        estimate=float(np.median(every)),
        low=lower_bound(strata, confidence=(1 + confidence) / 2, reach=reach, among=differences),
        high=-lower_bound(worse, confidence=(1 + confidence) / 2, reach=reach, among=-differences),
        p=min(1.0, 2 * min(p_of_no_better(strata), p_of_no_better(worse))),
        better=share_of_wins(strata),
    )


def share_of_wins(strata: Strata) -> float:
    """Return the share of the pairs in which the first sample is better, ties counting half."""
    every = np.concatenate([np.subtract.outer(one, other).ravel() for one, other in strata])
    return float((np.sign(every) + 1).mean() / 2)


def lower_bound(
    strata: Strata, *, confidence: float, reach: float, among: Floats | None = None
) -> float:
    """Return what the first samples are better by, at the least.

    Args:
        strata: One pair of samples, or several.
        confidence: Of the bound, one-sided.
        reach: As in `shift`.
        among: The differences of the values, where they are known already.
    """
    if among is None:
        among = np.concatenate([np.subtract.outer(one, other).ravel() for one, other in strata])
    ordered = np.unique(among)
    allowed = 1 - confidence + ROUNDING

    def kept(by: float) -> bool:
        return p_of_no_better([(one - by, other) for one, other in strata]) > allowed

    if kept(float(ordered[0]) - 1.0):
        return -reach
    # The test changes its mind at a difference only, so it is asked between two of them.
    between = ((ordered[1:] + ordered[:-1]) / 2).tolist()
    return float(ordered[bisect.bisect_left(between, True, key=kept)])


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold together.

    Example:
        >>> holm([0.01, 0.03, 0.5])
        [0.03, 0.06, 0.5]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, at in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def enough_values(better: float, confidence: float) -> int | None:
    """Return how many values of each sample show a difference four times in five.

    Args:
        better: With what probability a value of one sample is better than one of the other.
        confidence: Of the test, one-sided.

    Returns:
        None where neither is better.

    Example:
        >>> enough_values(0.9, 0.975)
        9
    """
    if math.isclose(better, 0.5, abs_tol=ROUNDING):
        return None
    quantiles = float(special.ndtri(confidence) + special.ndtri(POWER))
    # At least this many values: with fewer no division of them is rare enough.
    least = next(
        count for count in range(2, 1000) if special.comb(2 * count, count) * (1 - confidence) >= 1
    )
    return max(least, math.ceil(quantiles**2 / (6 * (better - 0.5) ** 2)))


def _doubled_ranks(one: Floats, other: Floats) -> np.ndarray:
    """Return twice the rank of each value among all, the first sample's first: whole numbers."""
    values = np.concatenate([one, other])
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return np.asarray(below + upto + 1, np.int64)


def _distribution(ranks: np.ndarray, size: int) -> Floats:
    """Return the probability of each sum of that many ranks, all choices being equally likely.

    Returns:
        [sum]
    """
    total = int(ranks.sum())
    ways = np.zeros((size + 1, total + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        for chosen in range(size, 0, -1):
            ways[chosen, rank:] += ways[chosen - 1, : total + 1 - rank]
    return np.asarray(ways[size] / ways[size].sum())


def _normal_tail(doubled: Sequence[np.ndarray], sizes: Sequence[int], observed: int) -> float:
    mean = variance = 0.0
    for ranks, size in zip(doubled, sizes, strict=True):
        count = len(ranks)
        mean += size * float(ranks.mean())
        variance += size * (count - size) / count * float(ranks.var(ddof=1))
    if variance == 0:
        return 1.0
    return float(special.ndtr((mean + 1.0 - observed) / math.sqrt(variance)))
