"""The tuning curve: the median best of k trials, for every k, with a band that holds for all of it.

The best of k trials has its median where the distribution of one trial is at 1 - 2^(-1/k). So the
curve is a set of quantiles of that distribution, and a band for all of them together follows from
the trials in order, whatever the distribution: how many of n trials lie below a quantile is
binomial, and from quantile to quantile these numbers are a Markov chain. So the band's confidence
is computed, not simulated.

Source: N. Lourie, K. Cho, H. He, "Show your work with confidence: confidence bands for tuning
curves", NAACL 2024, which maps a band of the distribution through the best of k; here the band is
one of the quantiles that the curve needs alone, with equal tails at each.
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import special

from tuning_playbook.analysis.ranking import Floats, Indices

CONFIDENCE = 0.95
"""That the band holds the whole curve."""

EVERY_BUDGET = 128
"""Up to this many trials the band is found for every number of them, and beyond that for some."""

GROWTH = 1.02
"""Of the numbers of trials beyond: so near to each other, they leave no steps to be seen."""

HALVINGS = 30
"""Of the range of tails in which the largest allowed is sought: it is known to nine digits then."""


@dataclass(frozen=True)
class Ranks:
    """Between which of an arm's trials in order the tuning curve lies.

    Attributes:
        budgets: How many trials the best is of: [budget].
        low: The rank, from 1 on, of the trial that is the better end; 0 where that is open.
        high: The rank of the one that is the worse end; more than the trials where that is open.
        confidence: With what probability the curve of a continuous distribution lies between them.
    """

    budgets: Indices
    low: Indices
    high: Indices
    confidence: float


@functools.cache
def band_ranks(trials: int) -> Ranks:
    """Return the ranks of a band that holds the whole curve up to all trials with 95 % confidence.

    At every number of trials both tails are at most the same, which is the largest with which the
    whole band still has its confidence. Where values are equal the confidence is higher.

    Args:
        trials: How many there are, at least 1; they are independent draws.

    Example:
        >>> ranks = band_ranks(32)
        >>> [(int(ranks.low[k - 1]), int(ranks.high[k - 1])) for k in (1, 2, 4, 32)]
        [(9, 24), (4, 17), (1, 11), (0, 4)]
    """
    budgets = _budgets(trials)
    levels = -np.expm1(-np.log(2) / budgets)
    below = special.bdtr(np.arange(trials + 1), trials, levels[:, None])  # [budget, count]
    allowed, refused = 0.0, 1 - CONFIDENCE
    for _ in range(HALVINGS):
        tail = (allowed + refused) / 2
        held = _confidence(trials, levels, *_ranks(below, tail))
        allowed, refused = (tail, refused) if held >= CONFIDENCE else (allowed, tail)
    low, high = _ranks(below, allowed)
    return Ranks(budgets, low, high, _confidence(trials, levels, low, high))


def _budgets(trials: int) -> Indices:
    every = np.arange(1, min(trials, EVERY_BUDGET) + 1)
    if trials <= EVERY_BUDGET:
        return every
    steps = int(np.log(trials / EVERY_BUDGET) / np.log(GROWTH)) + 2
    return np.unique(np.concatenate([every, np.geomspace(EVERY_BUDGET, trials, steps).astype(int)]))


def _ranks(below: Floats, tail: float) -> tuple[Indices, Indices]:
    """Return at each level the ranks that cut off no more than `tail` on either side.

    Args:
        below: The probability that at most that many trials lie below the level: [level, count].
        tail: Of the probability that the trial of a rank lies beyond the level.
    """
    low = (below <= tail).sum(axis=1)
    high = (1 - below > tail).sum(axis=1) + 1
    return low, high


def _confidence(trials: int, levels: Floats, low: Indices, high: Indices) -> float:
    """Return the probability that at every level the quantile lies between its two ranks.

    That is so while the number of trials below the level is at least `low` and less than `high`.
    """
    logs = special.gammaln(np.arange(trials + 2) + 1.0)
    counts = np.zeros(1, np.int64)
    chances = np.ones(1)
    passed = 0.0
    for place in np.argsort(levels):
        following = np.arange(low[place], min(high[place], trials + 1))
        share = (levels[place] - passed) / (1 - passed)
        passed = levels[place]
        more = following[None, :] - counts[:, None]
        rest = trials - counts[:, None]
        ways = logs[rest] - logs[np.maximum(more, 0)] - logs[np.maximum(rest - more, 0)]
        steps = np.exp(ways + more * np.log(share) + (rest - more) * np.log1p(-share))
        chances = chances @ np.where(more >= 0, steps, 0.0)
        counts = following
    return float(chances.sum())
