"""Whether values hang on the places they were measured at: a test against the search space.

The spread of the values alone says little: that of five reruns is known within a factor of two. But
noise does not know where in the search space it is, so any surface that explains the values better
than it explains them shuffled is one.

Source: P. Good, "Permutation, parametric, and bootstrap tests of hypotheses", 2005; the smallest of
several p-values, calibrated by the same shuffles: Westfall and Young, 1993.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from scipy import special

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.study.needs import TERMS_PER_VALUE

SHUFFLES = 999
"""A p-value of 8 % is then known to 1 %."""

POWER = 0.9


@dataclass(frozen=True)
class Sample:
    """Some values and where they were measured.

    Attributes:
        ranges: Positions of the ordered arguments, in [0, 1]: [value, argument].
        choices: Zeros and ones for each value of the others: [value, column].
        values: [value]; infinite for the worst of all, whatever it is.
    """

    ranges: Floats
    choices: Floats
    values: Floats


def p_of_no_surface(samples: Sequence[Sample]) -> float | None:
    """Return the p-value of the values hanging on nothing; None where they are too few to tell.

    Four surfaces are tried: a slope in each argument, a bowl in each, both, and both with every
    product of two. Each is fitted to the normal scores of the values, so that a few terrible trials
    count no more than their rank, and its sums of squares over all samples are held against those
    of shuffled values. The smallest of the p-values is held against that of the shuffles.

    Args:
        samples: Each is shuffled by itself.
    """
    random = np.random.default_rng(0)
    explained: dict[str, Floats] = {}
    for sample in samples:
        scores = _scores(sample.values)
        shuffled = np.array([scores, *(random.permutation(scores) for _ in range(SHUFFLES))])
        for name, terms in _surfaces(sample):
            found, kept, _ = np.linalg.svd(terms - terms.mean(axis=0), full_matrices=False)
            basis = found[:, kept > 1e-9 * kept.max(initial=1e-12)]
            if 0 < basis.shape[1] <= TERMS_PER_VALUE * len(scores):
                square = ((shuffled @ basis) ** 2).sum(axis=1)
                explained[name] = explained.get(name, 0.0) + square
    if not explained:
        return None
    count = SHUFFLES + 1
    # A shuffle that explains as much as the values themselves speaks against them.
    ps = [
        (count + 1 - scipy.stats.rankdata(square, method="min")) / count
        for square in explained.values()
    ]
    smallest = np.min(ps, axis=0)
    return float(np.mean(smallest <= smallest[0] + 1e-12))


def detectable_range(samples: Sequence[Sample], significance: float) -> float:
    """Return how far apart the ends of a slope must lie to be found nine times in ten.

    Of a slope in one argument, in standard deviations of the noise.

    Args:
        samples: What is tested.
        significance: Of the test.
    """
    # What is too small for a slope in each argument was not asked.
    samples = [
        sample
        for sample in samples
        if sample.ranges.shape[1] + sample.choices.shape[1] <= TERMS_PER_VALUE * len(sample.values)
    ]
    values = sum(len(sample.values) for sample in samples)
    terms = sum(sample.ranges.shape[1] + sample.choices.shape[1] for sample in samples)
    rest = values - terms - len(samples)
    if terms == 0 or rest < 1:
        return float("inf")
    bound = special.fdtri(terms, rest, 1 - significance / 2)
    noncentral = special.ncfdtrinc(terms, rest, 1 - POWER, bound)
    # A slope of range r has a standard deviation of r / sqrt(12) over evenly spread places.
    return float(np.sqrt(12 * noncentral / values))


def _scores(values: Floats) -> Floats:
    # Through `scipy`, which imports it when it is used: that takes as long as all of the rest.
    ranks = scipy.stats.rankdata(values)
    return np.asarray(special.ndtri((ranks - 0.5) / len(ranks)))


def _lowest_rank(values: Floats) -> Floats:
    """Return the rank of each value, equal ones having that of the first."""
    return np.asarray(np.searchsorted(np.sort(values), values) + 1.0)


def _surfaces(sample: Sample) -> Iterator[tuple[str, Floats]]:
    """Yield each surface's name and terms: [value, term]."""
    slopes, choices = 2 * sample.ranges - 1, sample.choices
    bowls = (3 * slopes**2 - 1) / 2
    columns = slopes.shape[1]
    products = [
        slopes[:, one] * slopes[:, other]
        for one, other in itertools.combinations(range(columns), 2)
    ]
    both = np.column_stack([slopes, bowls, choices])
    yield "slopes", np.column_stack([slopes, choices])
    if columns:
        yield "bowls", np.column_stack([bowls, choices])
        yield "both", both
    if products:
        yield "products", np.column_stack([both, *products])
