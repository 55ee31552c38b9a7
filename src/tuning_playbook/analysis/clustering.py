"""Whether the best trials cluster at an edge of a range: a permutation test, on arrays alone."""

from functools import lru_cache

import numpy as np

from tuning_playbook.analysis.ranking import Floats, Indices
from tuning_playbook.study.needs import top_count

PERMUTATIONS = 9999
"""At least this many, which settles a p-value of 1 in 1,000."""

OUTERMOST = 4
"""Of few trials the best one is near an edge if it is among this many outermost ones: as near as it
can be expected to come to an optimum there."""

MOST_TIED = 128
"""With more trials as good as the top ones nothing tells those from the others."""

ROUNDING = 1e-9
"""Of positions on a grid, which are equal but for their last digits."""


def nearness(distances: Floats, outer: float) -> float:
    """Return how near an edge a best trial must lie: in its outer part, or among the four nearest.

    Args:
        distances: Of an arm's trials from the edge, as fractions of the range: [trial].
        outer: That part.

    Example:
        >>> nearness(np.arange(8) / 8, outer=0.2)
        0.375
    """
    return max(outer, float(np.sort(distances)[:OUTERMOST][-1]))


def clustering(
    distances: Floats, loss: Floats, permutations: int = PERMUTATIONS, *, outer: float
) -> float:
    """Return the chance of a best trial so near and top trials so clustered at an edge.

    The statistic is a mean of the top trials' distances in which the better ones count more: of t
    top trials the best has the weight t squared, the next (t - 1) squared, and so on. So a few
    trials of which each is the better the nearer it is are told from chance. Trials that are
    equally good share their weights, as those of a metric that counts examples often are.

    Args:
        distances: From the edge, as fractions of the range, the best trial's first: [trial].
        loss: Of the same trials, smaller being better: [trial].
        permutations: How many to compare with.
        outer: How near the edge the best trial must lie.

    Example:
        >>> clustering(np.arange(16) / 16, np.arange(16.0), outer=0.2) < 0.001
        True
    """
    outer += ROUNDING
    weights = _weights(loss)
    if distances[0] > outer or len(weights) > MOST_TIED:
        return 1.0
    drawn = distances[_subsets(len(distances), len(weights), permutations)]
    as_near = drawn[:, 0] <= outer
    as_clustered = drawn @ weights <= distances[: len(weights)] @ weights + ROUNDING
    return (1 + int((as_near & as_clustered).sum())) / (1 + permutations)


def _weights(loss: Floats) -> Floats:
    """Return the weights of the trials that count, which sum to one: [trial]."""
    top = top_count(len(loss))
    weights = np.zeros(len(loss))
    weights[:top] = np.arange(top, 0.0, -1.0) ** 2
    _, group, size = np.unique(loss, return_inverse=True, return_counts=True)
    shared = (np.bincount(group, weights) / size)[group]
    return np.asarray(shared[shared > 0] / weights.sum())


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
