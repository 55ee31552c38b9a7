"""A cluster of the best at an edge, against distances whose chance is known."""

import numpy as np
import pytest

from tuning_playbook.analysis.clustering import clustering, top_count, top_sets

EVEN = np.arange(16) / 16


@pytest.mark.parametrize(("feasible", "top"), [(2, 2), (4, 3), (16, 7), (100, 8)])
def test_the_top_trials_are_two_in_five_but_neither_too_few_nor_too_many(feasible, top):
    assert top_count(feasible) == top


def test_a_perfect_cluster_is_as_rare_as_there_are_sets_of_top_trials():
    """The best one's place and that of the other top trials: one permutation in so many."""
    assert top_sets(16) == 11440
    perfect = clustering(EVEN, 99_999, outer=0.2)
    assert perfect == pytest.approx(1 / top_sets(16), abs=1e-4)


def test_top_trials_spread_evenly_are_no_cluster_and_nor_are_those_far_from_the_edge():
    spread = np.concatenate([EVEN[::2], EVEN[1::2]])
    assert clustering(spread, outer=0.2) > 0.05
    assert clustering(EVEN[::-1], outer=0.2) == 1.0


def test_equal_distances_of_a_grid_are_as_near_as_each_other():
    assert clustering(np.full(9, 0.1), outer=0.2) == 1.0
