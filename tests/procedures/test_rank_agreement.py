"""Kendall's rank correlation and its interval, against SciPy and against every order there is."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from tuning_playbook.procedures.rank_agreement import agreement


@pytest.mark.parametrize("trials", [2, 5, 12])
def test_the_correlation_is_scipys(trials):
    random = np.random.default_rng(trials)
    ones, others = random.normal(size=(2, trials))
    found = agreement(ones.tolist(), others.tolist())
    assert found.correlation == pytest.approx(stats.kendalltau(ones, others).statistic)
    assert found.low < found.correlation < found.high or abs(found.correlation) == 1


def disagreeing(order):
    return sum(one > other for one, other in itertools.combinations(order, 2))


@pytest.mark.parametrize("trials", [3, 4, 6])
@pytest.mark.parametrize("q", [0.05, 0.3, 0.8, 1.0, 1.5])
def test_the_interval_holds_the_truth_as_often_as_it_says(trials, q):
    """Every order has its probability under Mallows' model; those are summed, nothing is drawn."""
    orders = list(itertools.permutations(range(trials)))
    apart = np.array([disagreeing(order) for order in orders])
    chances = q**apart / np.sum(q**apart)
    truth = 1 - 2 * chances @ apart / math.comb(trials, 2)
    intervals = [agreement(range(trials), order) for order in orders]
    low = np.array([item.low for item in intervals])
    high = np.array([item.high for item in intervals])
    assert chances[low > truth].sum() <= 0.025
    assert chances[high < truth].sum() <= 0.025


def test_the_opposite_order_has_the_opposite_interval():
    ones = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    found, turned = agreement(ones, ones), agreement(ones, ones[::-1])
    assert (found.correlation, found.high) == (1.0, 1.0)
    assert (turned.correlation, turned.low, turned.high) == (-1.0, -1.0, -found.low)


def test_five_in_the_same_order_are_shown_to_agree_and_four_are_not():
    assert agreement(range(5), range(5)).low > 0
    assert agreement(range(4), range(4)).low < 0


def test_ties_widen_the_interval_at_both_ends():
    tied = agreement([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1])
    assert (tied.correlation, tied.low, tied.high) == (0.0, -1.0, 1.0)
    one = agreement([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 5])
    either = [agreement(range(6), last) for last in ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 5, 4])]
    assert (one.low, one.high) == (either[1].low, either[0].high)


def test_one_trial_has_no_ranking():
    found = agreement([1.0], [2.0])
    assert math.isnan(found.correlation)
    assert (found.low, found.high) == (-1.0, 1.0)


def test_twenty_trials_are_told_in_full():
    found = agreement(range(20), range(20))
    assert 0.9 < found.low < found.high == 1.0
