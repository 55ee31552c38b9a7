"""The difference between the reruns of two configurations, with its uncertainty."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from tuning_playbook.analysis.numbers import all_equal
from tuning_playbook.analysis.quantiles import student_quantile
from tuning_playbook.analysis.rank_test import enough_values, lower_bound, shift
from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.analysis.simultaneous import MOST_VALUES
from tuning_playbook.analysis.variance import CONFIDENCE, KnownVariance, TrialVariance
from tuning_playbook.study.study import LEAST_RERUNS

POWER = 0.8
"""The probability with which the smallest detectable improvement would be seen."""

WELCH = "Welch's t interval for the difference of two means"
PAIRED = "Student's t interval for the mean difference on the seeds that both were rerun on"

RANKS = "the shifts that Wilcoxon's rank test does not reject"

EARLIER = "Student's t interval with the trial variance that an earlier study measured"

RESAMPLES = 9999
"""Resamples of the bootstrap: its ends are then known to a hundredth of the interval's width."""

NORMAL_TWO_SIDED = 1.959964
"""The normal quantile of a 95 % interval."""

HALVINGS = 60
"""Bisection steps of [0, 1]: the rest is below the precision of a float."""


@dataclass(frozen=True)
class Difference:
    """The candidate compared with the baseline, in the objective's unit; positive is better.

    Attributes:
        improvement: Difference of the means of the reruns.
        low: Lower end of its 95 % interval.
        high: Upper end.
        confidence: The confidence of every interval here.
        lower_bound: What the improvement exceeds with the confidence `bound_confidence`
            (one-sided); the decision uses it.
        bound_confidence: 95 %, or more where the same reruns have chosen the candidate.
        method: How the interval was computed.
        paired: Whether the reruns were compared seed by seed.
        bootstrap_low: Lower end of the bootstrap interval, which assumes no distribution; None
            where every resample gives the same.
        bootstrap_high: Upper end.
        probability_better: The chance that a rerun of the candidate beats one of the baseline: the
            share of all pairs, ties counting half; of the pairs of one seed where they are paired.
        probability_low: Lower end of its 95 % interval.
        probability_high: Upper end.
        smallest_detectable: The smallest true improvement that this many reruns with this
            variance would show with a probability of 80 %; None where they are compared by ranks.
        needed_reruns: The number of reruns of each that would show, with a probability of 80 %,
            an improvement above `min_improvement`, if the true one is the one seen; None where
            that is no larger.
    """

    improvement: float
    low: float
    high: float
    confidence: float
    lower_bound: float
    bound_confidence: float
    method: str
    paired: bool
    bootstrap_low: float | None
    bootstrap_high: float | None
    probability_better: float
    probability_low: float
    probability_high: float
    smallest_detectable: float | None
    needed_reruns: int | None

    @property
    def error(self) -> float:
        """Return half the width of the interval."""
        return (self.high - self.low) / 2


def compare(
    candidate: Sequence[float],
    baseline: Sequence[float],
    *,
    sign: float,
    paired: bool = False,
    bound_confidence: float = CONFIDENCE,
    min_improvement: float = 0.0,
    earlier: KnownVariance | None = None,
) -> Difference | None:
    """Compare the reruns of two configurations.

    The interval that decides is Welch's: Student's t with the Welch-Satterthwaite degrees of
    freedom, for two normal samples of unequal variance. Where both were rerun on the same seeds it
    is Student's t interval of the differences, seed by seed, which removes the effect of the seed;
    except where the differences are all equal, which leaves no variance.

    The bootstrap interval (bias-corrected and accelerated; Efron 1987) is reported beside it and
    decides nothing: a bootstrap of five values draws from those five, its standard deviation is too
    small by a factor of sqrt(4/5), and it does not see the tails. For two times five normal
    values its percentile interval covers 88 % where 95 % are asked for, and a decision by its
    one-sided bound would adopt 9 % of candidates that are no better; Welch's adopts 4.6 % (2,000
    simulated pairs). With dozens of reruns the two agree.

    The interval of the probability that the candidate is better is Newcombe's (his method 5, which
    solves for the probabilities whose Hanley-McNeil standard error reaches what was seen); Wilson's
    where they are paired. Neither shrinks to a point where one side wins every time.

    With fewer than five reruns of either, and a variance that an earlier study measured, the
    interval is Student's with that variance, pooled with that of the reruns; both configurations
    are assumed to have the same variance.

    Source: B. L. Welch, 1947; R. G. Newcombe, "Confidence intervals for an effect size measure
    based on the Mann-Whitney statistic. Part 2", 2006; E. B. Wilson, 1927.

    Args:
        candidate: Its feasible reruns.
        baseline: The baseline's feasible reruns.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
        paired: Whether the two reruns at each place have the same seed.
        bound_confidence: The confidence of the lower bound.
        min_improvement: What the improvement must exceed.
        earlier: The variance that an earlier study measured.

    Returns:
        The difference, or None where it is not known: fewer than five reruns of either and no
        earlier variance, or no variance to judge by.
    """
    fewest = min(len(candidate), len(baseline))
    few = fewest < LEAST_RERUNS
    if fewest < 1 or (few and earlier is None):
        return None
    paired = paired and not few
    new, old = sign * np.array(candidate, dtype=float), sign * np.array(baseline, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        variances = [_variance(new - old)] if paired else [0.0]
        paired = variances[0] > 0  # equal differences are no evidence of what seeds do
        if not paired:
            variances = [_variance(new), _variance(old)]
        counts = [len(new)] if paired else [len(new), len(old)]
        if few and earlier is not None:
            shared, degrees = earlier.pooled([candidate, baseline])
            variances = [shared, shared]
            error = math.sqrt(shared * (1 / len(new) + 1 / len(old)))
        else:
            error, degrees = _error(variances, counts)
    if not (error > 0 and math.isfinite(error)):
        return None
    improvement = float(new.mean() - old.mean())
    two_sided = student_quantile((1 + CONFIDENCE) / 2, degrees)
    one_sided = student_quantile(bound_confidence, degrees)
    wins = np.sign(new - old if paired else new[:, None] - old[None, :])
    better = float((wins + 1).mean() / 2)
    probability = _wilson(better, len(new)) if paired else _newcombe(better, len(new), len(old))
    bootstrap = (None, None) if few else _bootstrap(new, old, paired=paired)
    return Difference(
        improvement=improvement,
        low=improvement - two_sided * error,
        high=improvement + two_sided * error,
        confidence=CONFIDENCE,
        lower_bound=improvement - one_sided * error,
        bound_confidence=bound_confidence,
        method=EARLIER if few else PAIRED if paired else WELCH,
        paired=paired,
        bootstrap_low=bootstrap[0],
        bootstrap_high=bootstrap[1],
        probability_better=better,
        probability_low=probability[0],
        probability_high=probability[1],
        smallest_detectable=(one_sided + student_quantile(POWER, degrees)) * error,
        needed_reruns=_needed(improvement - min_improvement, variances, bound_confidence),
    )


def compare_reruns(
    new: TrialVariance,
    old: TrialVariance,
    *,
    sign: float,
    bound_confidence: float = CONFIDENCE,
    min_improvement: float = 0.0,
) -> Difference | None:
    """Compare two rerun configurations, seed by seed where both have the same seeds.

    Steps to a target are compared by ranks, and never seed by seed, where a rerun of either did not
    reach it, or where no rerun differs from its siblings.

    The arguments are those of `compare`.
    """
    steps = new.beyond is not None and old.beyond is not None
    if steps and (new.missed or old.missed):
        return compare_by_ranks(
            new, old, sign=sign, bound_confidence=bound_confidence, min_improvement=min_improvement
        )
    by_seed, of_old = new.by_seed, old.by_seed
    paired = bool(by_seed) and by_seed.keys() == of_old.keys()
    values = new.feasible, old.feasible
    earlier = new.earlier or old.earlier
    if paired:
        values = tuple(by_seed.values()), tuple(of_old[seed] for seed in by_seed)
    found = compare(
        *values,
        sign=sign,
        paired=paired,
        bound_confidence=bound_confidence,
        min_improvement=min_improvement,
        earlier=earlier,
    )
    if found is None and steps:
        return compare_by_ranks(
            new, old, sign=sign, bound_confidence=bound_confidence, min_improvement=min_improvement
        )
    return found


def compare_by_ranks(
    new: TrialVariance,
    old: TrialVariance,
    *,
    sign: float,
    bound_confidence: float = CONFIDENCE,
    min_improvement: float = 0.0,
) -> Difference | None:
    """Compare the steps to a target of two rerun configurations by ranks.

    A rerun that did not reach the target is worse than any that did. The improvement is the median
    of the differences of all pairs (Hodges and Lehmann 1963). In it such a rerun counts as all
    steps plus one evaluation, the fewest that it can have needed. Intervals hold the shifts that
    the rank test does not reject.

    The arguments are those of `compare`.

    Returns:
        The difference, or None with fewer than five reruns of either, and where none differs from
        another.
    """
    values = [sign * np.array(row.comparable) for row in (new, old)]
    if min(map(len, values)) < LEAST_RERUNS or len(np.unique(np.concatenate(values))) == 1:
        return None
    reach = max(row.beyond or 0.0 for row in (new, old))
    strata = [(values[0], values[1])]
    found = shift(strata, confidence=CONFIDENCE, reach=reach)
    probability = _newcombe(found.better, len(values[0]), len(values[1]))
    exceeds = found.estimate > min_improvement
    return Difference(
        improvement=found.estimate,
        low=found.low,
        high=found.high,
        confidence=CONFIDENCE,
        lower_bound=lower_bound(strata, confidence=bound_confidence, reach=reach),
        bound_confidence=bound_confidence,
        method=RANKS,
        paired=False,
        bootstrap_low=None,
        bootstrap_high=None,
        probability_better=found.better,
        probability_low=probability[0],
        probability_high=probability[1],
        smallest_detectable=None,
        needed_reruns=enough_values(found.better, bound_confidence) if exceeds else None,
    )


def _needed(beyond: float, variances: Sequence[float], confidence: float) -> int | None:
    """Return how many reruns of each would show that the improvement exceeds the minimum."""
    if beyond <= 0:
        return None

    def shown(count: int) -> bool:
        error, degrees = _error(variances, [count] * len(variances))
        needed = student_quantile(confidence, degrees) + student_quantile(POWER, degrees)
        return beyond >= needed * error

    return 2 + bisect.bisect_left(range(2, MOST_VALUES), True, key=shown)


def _error(variances: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Return the standard error of a difference of means, and its degrees of freedom.

    Args:
        variances: The variances of the two samples; or of the differences, where they are paired.
        counts: How many values each has.
    """
    parts = np.array(variances) / counts
    largest = float(parts.max())
    if not (largest > 0 and math.isfinite(largest)):
        return largest, 0.0
    shares = parts / largest  # so that the square of a tiny number does not underflow
    degrees = float(shares.sum() ** 2 / (shares**2 / (np.array(counts) - 1.0)).sum())
    return math.sqrt(largest * float(shares.sum())), degrees


def _variance(values: Floats) -> float:
    """Return the variance of values; zero where they differ by no more than rounding."""
    return 0.0 if all_equal(values) else float(values.var(ddof=1))


def _bootstrap(new: Floats, old: Floats, *, paired: bool) -> tuple[float | None, float | None]:
    """Return the bootstrap interval of the difference of means."""

    def statistic(one: Floats, other: Floats, axis: int) -> Floats:
        return np.asarray(np.mean(one, axis=axis) - np.mean(other, axis=axis))

    # Imported through `scipy`, on use: the import takes as long as all the rest.
    found = scipy.stats.bootstrap(
        (new, old),
        statistic,
        n_resamples=RESAMPLES,
        paired=paired,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None)


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's interval of a probability, given the share that was seen in `count` cases."""
    square = NORMAL_TWO_SIDED**2 / count
    middle = (share + square / 2) / (1 + square)
    width = math.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return max(0.0, middle - width), min(1.0, middle + width)


def _newcombe(share: float, candidates: int, baselines: int) -> tuple[float, float]:
    """Return Newcombe's interval of the probability that one of two samples is larger.

    Example:
        >>> [round(end, 3) for end in _newcombe(1.0, 5, 5)]
        [0.643, 1.0]
    """
    return 1 - _upper(1 - share, candidates, baselines), _upper(share, candidates, baselines)


def _upper(share: float, candidates: int, baselines: int) -> float:
    """Return the largest probability whose lower 1.96 standard errors still reach what was seen."""
    more = (candidates + baselines) / 2 - 1
    low, high = share, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        spread = (1 - middle) / (2 - middle) + middle / (1 + middle)
        variance = middle * (1 - middle) * (1 + more * spread) / (candidates * baselines)
        if middle - share <= NORMAL_TWO_SIDED * math.sqrt(variance):
            low = middle
        else:
            high = middle
    return low
