"""Whether objectives turn before an edge, of curves that do and do not."""

import numpy as np
import pytest

from tuning_playbook.analysis.turning import turns_before

PLACES = np.arange(20.0)


@pytest.mark.parametrize("best", [2, 3, 6])
def test_a_smooth_bowl_turns_at_its_best(best):
    assert turns_before(PLACES, (PLACES - best) ** 2)


def test_what_rises_from_the_edge_on_does_not_turn():
    assert not turns_before(PLACES, PLACES**2)
    assert not turns_before(PLACES, -np.exp(-PLACES))


def test_a_best_that_is_lucky_among_noisy_neighbours_is_no_turn():
    """Its objectives rise from the edge by a standard deviation of the noise a place."""
    random = np.random.default_rng(0)
    turned = [turns_before(PLACES, PLACES + random.standard_normal(20)) for _ in range(200)]
    assert np.mean(turned) < 0.02


def test_a_step_of_a_metric_that_counts_is_no_turn():
    counted = np.array([1.0, 0.0, *np.ones(10)])
    assert not turns_before(PLACES[:12], counted)


def test_a_cliff_far_from_the_edge_is_not_taken_for_noise():
    bowl = (PLACES - 4) ** 2
    assert turns_before(PLACES, np.where(PLACES > 10, 1e6, bowl))


def test_too_few_to_know_their_noise():
    assert not turns_before(PLACES[:4], np.array([1.0, 0.0, 1.0, 2.0]))
