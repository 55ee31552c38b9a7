"""A cluster of the best at an edge, against distances whose chance is known."""

import numpy as np
import pytest

from tuning_playbook.analysis.clustering import clustering
from tuning_playbook.study.needs import top_count, top_orders

EVEN = np.arange(16) / 16
RANKS = np.arange(16.0)


def test_the_top_trials_are_the_best_eight():
    assert [top_count(feasible) for feasible in (2, 8, 100)] == [2, 8, 8]


@pytest.mark.parametrize("trials", [4, 5])
def test_a_perfect_order_is_as_rare_as_there_are_orders_of_top_trials(trials):
    in_order = np.arange(trials) / trials
    perfect = clustering(in_order, in_order, 99_999, outer=0.2)
    assert perfect == pytest.approx(1 / top_orders(trials), rel=0.1)


def test_the_better_trials_count_more():
    """The second and the last of the top trials change places."""
    swapped = EVEN[[0, 7, 2, 3, 4, 5, 6, 1, *range(8, 16)]]
    lower = EVEN[[0, 1, 2, 3, 7, 5, 6, 4, *range(8, 16)]]
    assert clustering(EVEN, RANKS, outer=0.2) <= clustering(lower, RANKS, outer=0.2)
    assert clustering(lower, RANKS, outer=0.2) < clustering(swapped, RANKS, outer=0.2)


def test_top_trials_spread_evenly_are_no_cluster_and_nor_are_those_far_from_the_edge():
    spread = EVEN[[1, 14, 6, 3, 10, 0, 12, 8, 2, 4, 5, 7, 9, 11, 13, 15]]
    assert clustering(spread, RANKS, outer=0.2) > 0.05
    assert clustering(EVEN[::-1], RANKS, outer=0.2) == 1.0


def test_equal_distances_of_a_grid_are_as_near_as_each_other():
    assert clustering(np.full(9, 0.1), RANKS[:9], outer=0.2) == 1.0


def test_equally_good_trials_share_their_weights():
    """Of two equal ones it is the same which is named first; of all equal ones nothing is known."""
    tied = np.array([0.0, 1.0, 1.0, *range(3, 16)])
    exchanged = EVEN[[0, 2, 1, *range(3, 16)]]
    assert clustering(EVEN, tied, outer=0.2) == clustering(exchanged, tied, outer=0.2)
    assert clustering(EVEN, np.zeros(16), outer=0.2) > 0.1
    many = np.concatenate([np.zeros(200), np.ones(100)])
    assert clustering(np.arange(300) / 300, many, outer=0.2) == 1.0
