"""Comparison by ranks: the published distribution, and counting out by hand."""

import itertools

import numpy as np
import pytest
import scipy.stats

from tuning_playbook.analysis.rank_test import (
    enough_values,
    holm,
    lower_bound,
    p_of_no_better,
    shift,
)

REACH = 1e6


def counted(strata):
    """The p-value by going through every division of the values."""
    parts = []
    for one, other in strata:
        ranks = scipy.stats.rankdata(np.concatenate([one, other]))
        divisions = itertools.combinations(range(len(ranks)), len(one))
        parts.append((ranks[: len(one)].sum(), [ranks[list(d)].sum() for d in divisions]))
    observed = sum(part[0] for part in parts)
    sums = [sum(chosen) for chosen in itertools.product(*(part[1] for part in parts))]
    return np.mean([value >= observed - 1e-9 for value in sums])


@pytest.mark.parametrize("seed", range(5))
def test_the_p_value_is_that_of_every_division_of_the_values_ties_included(seed):
    generator = np.random.default_rng(seed)
    strata = [
        (generator.integers(0, 4, 3).astype(float), generator.integers(0, 4, 4).astype(float))
        for _ in range(1 + seed % 2)
    ]
    assert p_of_no_better(strata) == pytest.approx(counted(strata))


@pytest.mark.parametrize(("few", "many"), [(5, 8), (40, 60)], ids=["exact", "normal"])
def test_without_ties_it_is_the_test_of_mann_and_whitney(few, many):
    generator = np.random.default_rng(1)
    one, other = generator.normal(0.4, size=few), generator.normal(size=many)
    wanted = scipy.stats.mannwhitneyu(one, other, alternative="greater")
    assert p_of_no_better([(one, other)]) == pytest.approx(wanted.pvalue, rel=0.01)


def test_values_that_are_all_equal_show_nothing():
    same = np.full(5, 3.0)
    assert p_of_no_better([(same, same)]) == 1.0
    found = shift([(same, same)], confidence=0.95, reach=REACH)
    assert (found.estimate, found.p, found.better) == (0.0, 1.0, 0.5)


def test_the_interval_is_that_of_hodges_and_lehmann():
    generator = np.random.default_rng(7)
    one, other = generator.normal(size=5) + 2, generator.normal(size=5)
    found = shift([(one, other)], confidence=0.95, reach=REACH)
    differences = np.sort(np.subtract.outer(one, other).ravel())
    # Of 25 differences the third and the last but two, by the tables of Mann and Whitney.
    assert (found.low, found.high) == (differences[2], differences[-3])
    assert found.estimate == differences[12]


def test_too_few_values_leave_the_interval_open():
    found = shift([(np.array([9.0, 8.0]), np.array([1.0, 2.0]))], confidence=0.95, reach=50.0)
    assert (found.estimate, found.low, found.high) == (7.0, -50.0, 50.0)


def test_the_interval_holds_the_shift_as_often_as_it_says():
    generator = np.random.default_rng(2)
    held = above = 0
    for _ in range(400):
        strata = [(generator.exponential(size=5) + 0.7, generator.exponential(size=5))]
        found = shift(strata, confidence=0.95, reach=REACH)
        held += found.low <= 0.7 <= found.high
        above += lower_bound(strata, confidence=0.95, reach=REACH) > 0.7
    assert held >= 0.95 * 400 - 2 * np.sqrt(400 * 0.95 * 0.05)
    assert above <= 0.05 * 400 + 2 * np.sqrt(400 * 0.95 * 0.05)


def test_the_p_values_of_several_hold_together():
    assert holm([0.2, 0.01, 0.04]) == pytest.approx([0.2, 0.03, 0.08])


def test_so_many_values_as_are_enough_show_the_difference_four_times_in_five():
    generator = np.random.default_rng(3)
    count = enough_values(0.8, 0.975)
    apart = scipy.stats.norm.ppf(0.8) * np.sqrt(2)  # then one is better with probability 0.8
    shown = 0
    for _ in range(100):
        one, other = generator.normal(apart, size=count), generator.normal(size=count)
        shown += shift([(one, other)], confidence=0.95, reach=REACH).p <= 0.05
    assert 0.8 * 100 - 2 * np.sqrt(100 * 0.16) <= shown
    assert enough_values(0.5, 0.975) is None
