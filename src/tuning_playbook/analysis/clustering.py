"""Whether the best trials cluster at an edge of a range: a permutation test, on arrays alone."""

import math
from functools import lru_cache

import numpy as np

from tuning_playbook.analysis.ranking import Floats, Indices

TOP_SHARE = 0.4
"""Share of the feasible trials that count as the top ones. With a smaller share no cluster of a
dozen trials could be told from chance."""

MOST_TOP = 8
"""At most so many top trials: with many trials the question is about the neighbourhood of the best
one, not about the trend over the whole range."""

PERMUTATIONS = 9999
"""At least so many, which settles a p-value of 1 in 1,000."""


def top_count(feasible: int) -> int:
    """Return how many of the feasible trials of an arm count as its top ones."""
    return min(max(3, math.ceil(TOP_SHARE * feasible)), MOST_TOP, feasible)


def top_sets(trials: int) -> int:
    """Return of how many sets of top trials chance draws one; a perfect cluster is one of them."""
    return math.comb(trials, top_count(trials))


def clustering(distances: Floats, permutations: int = PERMUTATIONS, *, outer: float) -> float:
    """Return the chance of a best trial so near and top trials so clustered at an edge.

    Args:
        distances: From the edge, as fractions of the range, the best trial's first: [trial].
        permutations: How many to compare with.
        outer: How near the edge the best trial must lie.

    Example:
        >>> clustering(np.arange(16) / 16, outer=0.2) < 0.001  # the better, the nearer
        True
    """
    if distances[0] > outer:
        return 1.0
    top = top_count(len(distances))
    drawn = distances[_subsets(len(distances), top, permutations)]
    # A grid has equal distances, whose means may differ by a rounding error.
    as_near = drawn[:, 0] <= outer
    as_clustered = drawn.mean(axis=1) <= distances[:top].mean() + 1e-9
    return (1 + int((as_near & as_clustered).sum())) / (1 + permutations)


@lru_cache(maxsize=16)
def _subsets(trials: int, top: int, permutations: int) -> Indices:
    """Return random ordered subsets of `top` out of `trials`: [permutation, top].

    Always the same ones, so that a study always gets the same finding.
    """
    generator = np.random.default_rng(0)
    chosen = np.empty((permutations, top), dtype=np.int64)
    for column in range(top):
        # The n-th of those not chosen yet: step over each chosen one that is not larger.
        drawn = generator.integers(trials - column, size=permutations)
        for earlier in np.sort(chosen[:, :column], axis=1).T:
            drawn += drawn >= earlier
        chosen[:, column] = drawn
    return chosen
