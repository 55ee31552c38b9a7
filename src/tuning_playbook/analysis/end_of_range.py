"""From which value on some trials lie: a threshold near one end of a range, on arrays alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tuning_playbook.analysis.ranking import Floats, Indices
from tuning_playbook.analysis.sampling_scale import Edge

PERMUTATIONS = 9999
"""At least this many, which settles a p-value of 1 in 1,000; of a large arm as many as fit."""

MOST_NUMBERS = 4_000_000
"""Of the permutations of an arm that are held at once."""

FIRST = 499
OFTEN = 0.2
"""What so few permutations show to be so frequent needs no more of them."""

NEVER = 1e-3
"""Where fewer such permutations than this are expected, none is drawn."""

ROUNDING = 1e-9
"""Of likelihoods that are equal but for the order of a sum."""


@dataclass(frozen=True)
class EndOfRange:
    """The end of a range at which some trials lie.

    Attributes:
        edge: Which end.
        trials: The places of the trials on that side of the threshold, the outermost first.
        p_value: Of a threshold that parts the trials so well by chance, at either end.
        mid_p_value: The same, in which thresholds that part them just as well count half. Few
            trials have few p-values, and this one is on average as small as it should be.
    """

    edge: Edge
    trials: Indices
    p_value: float
    mid_p_value: float


def end_of_range(
    positions: Floats, chosen: NDArray[np.bool_], permutations: int = PERMUTATIONS
) -> EndOfRange:
    """Return the end of a range that some of the trials lie at, as opposed to the others.

    The threshold is the one of largest likelihood for a share of chosen trials that is one number
    below it and another one above. The p-value is the share of permutations of the trials that have
    a threshold as likely.

    Source: K. J. Worsley, "The power of likelihood ratio and cumulative sum tests for a change in a
    binomial probability", 1983; of the mid-p-value, H. O. Lancaster, "Significance tests in
    discrete distributions", 1961.

    Args:
        positions: Of the trials, not all equal: [trial].
        chosen: Which of them are asked about, some but not all: [trial].
        permutations: How many to compare with.
    """
    inward = np.argsort(positions, kind="stable")
    # Trials at one position lie on one side.
    splits = tuple((np.flatnonzero(np.diff(positions[inward]) > 0) + 1).tolist())
    gains = _gains(chosen[inward][None], splits)[0]
    best = int(np.argmax(gains))
    below = splits[best]
    few = chosen[inward[:below]].mean() < chosen[inward[below:]].mean()
    edge: Edge = "high" if few else "low"
    outermost = inward[below:][::-1] if few else inward[:below]
    p_value, better = _chances(
        float(gains[best]), len(positions), int(chosen.sum()), splits, permutations
    )
    return EndOfRange(edge, outermost, p_value, (p_value + better) / 2)


def _chances(
    gain: float, trials: int, some: int, splits: tuple[int, ...], permutations: int
) -> tuple[float, float]:
    """Return the shares of permutations that gain as much, and more; few if they show it."""
    count = int(np.clip(MOST_NUMBERS // trials, FIRST, permutations))
    # Of all choices of that many trials at most the share (n + 1) exp(-gain) has a number of them
    # below some split and gains as much; there are fewer than n squared such pairs.
    if 3 * np.log1p(trials) - gain < np.log(NEVER / count):
        return 1 / (1 + count), 0.0
    for drawn in (min(FIRST, count), count):
        gains = _of_permutations(trials, some, splits, drawn)
        p_value = (1 + int((gains >= gain - ROUNDING).sum())) / (1 + drawn)
        if p_value > OFTEN:
            break
    return p_value, int((gains > gain + ROUNDING).sum()) / (1 + drawn)


@lru_cache(maxsize=64)
def _of_permutations(trials: int, some: int, splits: tuple[int, ...], count: int) -> Floats:
    """Return the largest gain of each of some permutations, always the same ones: [permutation]."""
    random = np.random.default_rng(0)
    drawn = np.zeros((count, trials), dtype=bool)
    drawn[:, :some] = True
    return np.asarray(_gains(random.permuted(drawn, axis=1), splits).max(axis=1))


def _gains(chosen: NDArray[np.bool_], splits: tuple[int, ...]) -> Floats:
    """Return what the log likelihood gains by a threshold at each split: [..., trial]."""
    trials = chosen.shape[-1]
    below = np.array(splits, dtype=float)
    some = chosen.sum(axis=-1, keepdims=True, dtype=float)
    inside = np.cumsum(chosen, axis=-1, dtype=float)[..., np.array(splits) - 1]
    return np.asarray(
        _log_likelihood(inside, below)
        + _log_likelihood(some - inside, trials - below)
        - _log_likelihood(some, float(trials))
    )


def _log_likelihood(some: Floats, of: Floats | float) -> Floats:
    return np.asarray(
        special.xlogy(some, some / of) + special.xlogy(of - some, 1 - some / of), dtype=float
    )
