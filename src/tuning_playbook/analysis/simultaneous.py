"""Contrasts of the means of several samples, with intervals and p-values that hold together.

Three steps, each of them published, and one simulation that joins them.

- The variances of the samples are moderated: each is drawn towards their common value, the more so
  the less they differ by more than chance (an empirical Bayes estimate, Smyth 2004). Five reruns
  alone know their variance within a factor of two; ten arms of five know it well, if it is one.
- A contrast divided by its standard error is Student's t with Satterthwaite's degrees of freedom.
- How small the smallest p-value of the family becomes by chance alone is found by simulation, for
  these very numbers of reruns. That replaces the tables of Tukey, Dunnett and Hsu, which assume
  equal numbers of reruns and one variance.

Where all samples are normal with one variance the result is exact but for the draws. What it is
elsewhere is simulated in the tests of the answer.

Sources: G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments", 2004; P. H. Westfall and S. S. Young, "Resampling-based
multiple testing", 1993 (the smallest p-value); J. C. Hsu, "Multiple comparisons", 1996.
"""

import bisect
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from tuning_playbook.analysis.numbers import all_equal
from tuning_playbook.analysis.ranking import Floats

CONFIDENCE = 0.95

POWER = 0.8
"""The probability that as many values as are said to be enough are enough."""

MOST_VALUES = 1_000_000

DRAWS = 20_000
"""Of a simulation: a p-value of 5 % is then known to 0.15 %."""

MOST_NUMBERS = 4_000_000
"""Of p-values in one simulation; many contrasts get fewer draws."""

FEWEST_DRAWS = 2_000

ONE_VALUE = 1e-5
"""A variance below this part of the typical one is a metric's coarseness and counts as so much."""

NEWTON_STEPS = 8
"""From the start that Smyth gives they reach the last digit."""

Counts = tuple[int, ...]
Weights = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Samples:
    """What is known of some samples.

    Attributes:
        counts: How many values each has; at least two, or one with an earlier variance.
        means: [sample].
        variances: Unbiased: [sample]; 0 of a single value.
        earlier: A variance that all samples share and that was measured before, with its degrees of
            freedom; None where they know their variances by themselves.
    """

    counts: Counts
    means: Floats
    variances: Floats
    earlier: tuple[Floats | float, int] | None = None


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of means.

    Attributes:
        estimate: Its value.
        low: Lower end of its interval; all of a family hold together, with 95 % confidence if no
            other was asked for.
        high: Upper end.
        p: The probability that any contrast of the family comes out as far from zero (two-sided) or
            as far above it (one-sided) if all are zero.
    """

    estimate: float
    low: float
    high: float
    p: float


def samples_of(
    values: Sequence[Sequence[float]], earlier: tuple[float, int] | None = None
) -> Samples | None:
    """Return the samples of some values.

    None where no value differs from its siblings, or where they are too large to be squared.

    Args:
        values: Of each sample.
        earlier: As in `Samples`.
    """
    arrays = [np.asarray(sample, dtype=float) for sample in values]
    with np.errstate(over="ignore", invalid="ignore"):
        variances = np.array(
            [0.0 if all_equal(sample) else sample.var(ddof=1) for sample in arrays]
        )
    unknown = earlier is None and not variances.any()
    if unknown or not np.isfinite(variances).all():
        return None
    means = np.array([sample.mean() for sample in arrays])
    return Samples(tuple(len(sample) for sample in arrays), means, variances, earlier)


def contrasts(
    samples: Samples, weights: Floats, confidence: float = CONFIDENCE
) -> tuple[Contrast, ...]:
    """Return contrasts with two-sided intervals and p-values that hold for all of them together.

    Args:
        samples: The samples.
        weights: [contrast, sample]; each row adds up to zero.
        confidence: Of the intervals.
    """
    estimates, errors, degrees = _measured(samples, weights)
    smallest = _by_chance(samples, weights, one_sided=False)
    widths = special.stdtrit(degrees, 1 - _level(smallest, confidence) / 2) * errors
    found = []
    for estimate, width, p in zip(
        estimates, widths, 2 * _tails(estimates, errors, degrees, one_sided=False), strict=True
    ):
        found.append(
            Contrast(
                float(estimate),
                float(estimate - width),
                float(estimate + width),
                _among(smallest, float(p)),
            )
        )
    return tuple(found)


def one_sided_p(samples: Samples, weights: Floats) -> float:
    """Return the probability that any of some contrasts comes out so far above zero by chance.

    Args:
        samples: The samples.
        weights: [contrast, sample]; each row adds up to zero.
    """
    smallest = _by_chance(samples, weights, one_sided=True)
    tails = _tails(*_measured(samples, weights), one_sided=True)
    return _among(smallest, float(tails.min()))


def enough(samples: Samples, weights: Floats, *, margin: float = 0.0) -> int:
    """Return how many values of each sample would settle a family, were it as it was measured.

    It is settled by the first contrast that is shown not to be zero, or by all being shown to lie
    within the margin of it, whichever needs fewer; four times in five.

    Args:
        samples: The samples.
        weights: [contrast, sample]; each row adds up to zero.
        margin: What a contrast must exceed to matter.

    Returns:
        Of each sample; at most `MOST_VALUES`.
    """
    estimates = samples.means @ weights.T
    alone = _level(_by_chance(samples, weights, one_sided=False))
    variances, degrees = _variances(samples)
    earlier = samples.earlier[1] if samples.earlier else 0
    own = degrees - earlier
    growing = own / np.maximum(np.array(samples.counts) - 1.0, 1.0)

    def settled(size: int) -> bool:
        parts = variances / size
        square = parts @ (weights**2).T
        spread = np.sqrt(square)
        of_each = earlier + growing * (size - 1)
        known = square**2 / ((parts**2 / of_each) @ (weights**4).T)
        quantile = special.stdtrit(known, 1 - alone / 2)
        shown = np.abs(estimates) >= (quantile + special.stdtrit(known, POWER)) * spread
        # Both ends of the interval must lie within the margin.
        inside = (quantile + special.stdtrit(known, (1 + POWER) / 2)) * spread
        return bool(shown.any() or (margin - np.abs(estimates) >= inside).all())

    return 2 + bisect.bisect_left(range(2, MOST_VALUES), True, key=settled)


def worse_than_another(samples: Samples, sample: int, *, others: Sequence[int]) -> float:
    """Return the p-value of one mean being smaller than some other: Hsu's comparison with the best.

    It is calibrated over the others, not over all pairs: whether this one is worse is asked once.
    """
    # In an order of their own, so that samples of equal counts share one simulation.
    order = [sample, *sorted(others, key=lambda other: samples.counts[other])]
    rest = [place for place in range(len(samples.counts)) if place not in order]
    kept = Samples(
        tuple(samples.counts[place] for place in (*order, *rest)),
        samples.means[[*order, *rest]],
        samples.variances[[*order, *rest]],
        samples.earlier,
    )
    weights = np.zeros((len(others), len(samples.counts)))
    weights[:, 0] = -1.0
    weights[np.arange(len(others)), 1 + np.arange(len(others))] = 1.0
    return one_sided_p(kept, weights)


def moderated(variances: Floats, counts: Counts) -> tuple[Floats, Floats]:
    """Draw the variances of samples towards their common value.

    Of two samples each keeps its own: whether two variances differ by more than chance is not to be
    told from two.

    Args:
        variances: Unbiased: [..., sample]; not all of them zero.
        counts: How many values each sample has.

    Returns:
        The variances, and the degrees of freedom with which each is known: [..., sample] each.
    """
    own = np.array(counts, dtype=float) - 1
    typical = np.median(variances, axis=-1, keepdims=True)
    typical = np.where(typical > 0, typical, variances.mean(axis=-1, keepdims=True))
    variances = np.maximum(variances, ONE_VALUE * typical)
    if len(counts) == 2:
        return variances, np.broadcast_to(own, variances.shape)
    logs = np.log(variances) - special.digamma(own / 2) + np.log(own / 2)
    middle = logs.mean(axis=-1, keepdims=True)
    beyond = logs.var(axis=-1, ddof=1, keepdims=True) - special.polygamma(1, own / 2).mean()
    differ = beyond > 0
    prior = 2 * _inverse_trigamma(np.where(differ, beyond, 1.0))
    common = np.exp(middle + special.digamma(prior / 2) - np.log(prior / 2))
    drawn = (prior * common + own * variances) / (prior + own)
    pooled = (own * variances).sum(axis=-1, keepdims=True) / own.sum()
    return (
        np.where(differ, drawn, pooled),
        np.where(differ, np.minimum(prior + own, own.sum()), own.sum()),
    )


def _variances(samples: Samples) -> tuple[Floats, Floats]:
    """Return the variances of samples, and their degrees of freedom: [..., sample] each.

    Moderated; where a variance was measured before, that one together with what the samples add.
    """
    if samples.earlier is None:
        return moderated(samples.variances, samples.counts)
    variance, degrees = samples.earlier
    own = np.array(samples.counts, dtype=float) - 1
    squares = (own * samples.variances).sum(axis=-1) + degrees * np.asarray(variance)
    together = degrees + own.sum()
    shape = samples.variances.shape
    pooled = np.broadcast_to((squares / together)[..., None], shape)
    return pooled, np.full(shape, together)


def _inverse_trigamma(values: Floats) -> Floats:
    """Return where the trigamma function has some values, by Newton's method (Smyth 2004)."""
    found = 0.5 + 1 / values
    for _ in range(NEWTON_STEPS):
        trigamma = special.polygamma(1, found)
        found = found + trigamma * (1 - trigamma / values) / special.polygamma(2, found)
    return np.asarray(found)


def _measured(samples: Samples, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return contrasts, their standard errors and degrees of freedom: [..., contrast] each."""
    variances, degrees = _variances(samples)
    parts = variances / np.array(samples.counts, dtype=float)
    square = parts @ (weights**2).T
    of_square = (parts**2 / degrees) @ (weights**4).T
    # Samples that share one variance do not know it better than all of them together.
    together = float(sum(samples.counts) - len(samples.counts))
    together += samples.earlier[1] if samples.earlier else 0
    return (
        samples.means @ weights.T,
        np.sqrt(square),
        np.minimum(square**2 / of_square, together),
    )


def _tails(estimates: Floats, errors: Floats, degrees: Floats, *, one_sided: bool) -> Floats:
    """Return the tails of Student's t beyond some contrasts, each taken alone."""
    beyond = estimates if one_sided else np.abs(estimates)
    return np.asarray(special.stdtr(degrees, -beyond / errors))


def _among(smallest: Floats, p: float) -> float:
    """Return the share of simulated families whose smallest p-value is no larger than some."""
    share = (int(np.searchsorted(smallest, p, side="right")) + 1) / len(smallest)
    return min(1.0, share)


def _level(smallest: Floats, confidence: float = CONFIDENCE) -> float:
    """Return the p-value, taken alone, that the smallest of a family falls below by chance."""
    return float(smallest[max(1, round((1 - confidence) * len(smallest))) - 1])


def _frozen(weights: Floats) -> Weights:
    return tuple(tuple(map(float, row)) for row in weights)


def _by_chance(samples: Samples, weights: Floats, *, one_sided: bool) -> Floats:
    earlier = samples.earlier[1] if samples.earlier else 0
    return _smallest_by_chance(
        samples.counts, _frozen(weights), one_sided=one_sided, earlier=earlier
    )


@functools.lru_cache(maxsize=256)
def _smallest_by_chance(
    counts: Counts, weights: Weights, *, one_sided: bool, earlier: int = 0
) -> Floats:
    """Return the smallest p-value of a family in many draws without any difference, sorted."""
    rows = np.array(weights)
    draws = int(np.clip(MOST_NUMBERS // max(1, len(rows)), FEWEST_DRAWS, DRAWS))
    random = np.random.default_rng(0)
    sizes = np.array(counts, dtype=float)
    drawn = Samples(
        counts,
        random.standard_normal((draws, len(counts))) / np.sqrt(sizes),
        _chi_square(random, draws, sizes - 1),
        (random.chisquare(earlier, draws) / earlier, earlier) if earlier else None,
    )
    tails = _tails(*_measured(drawn, rows), one_sided=one_sided)
    return np.sort(tails.min(axis=-1) * (1 if one_sided else 2))


def _chi_square(random: np.random.Generator, draws: int, degrees: Floats) -> Floats:
    """Return unbiased variances of normal samples, 0 of single values: [draw, sample]."""
    some = np.maximum(degrees, 1)
    return np.where(degrees > 0, random.chisquare(some, (draws, len(degrees))) / some, 0.0)
