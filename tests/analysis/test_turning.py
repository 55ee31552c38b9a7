"""Whether objectives turn before an edge, of curves that do and do not."""

import numpy as np
import pytest

from tuning_playbook.analysis.turning import bottom_before, turns_before

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


@pytest.mark.parametrize("best", [2, 3, 6])
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_a_bowl_has_its_bottom_before_the_edge_whatever_its_noise(best, noise):
    random = np.random.default_rng(0)
    bowls = [(PLACES - best) ** 2 + noise * random.standard_normal(20) for _ in range(50)]
    assert np.mean([bottom_before(PLACES, bowl) for bowl in bowls]) > 0.95


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_what_rises_from_the_edge_on_has_no_bottom_before_it(noise):
    """A line, a curve that is best on the edge itself, and one that levels off there."""
    random = np.random.default_rng(1)
    for rising in (PLACES, PLACES**2 / 5, 20 - 20 * np.exp(-PLACES / 5)):
        curves = [rising + noise * random.standard_normal(20) for _ in range(50)]
        assert np.mean([bottom_before(PLACES, curve) for curve in curves]) < 0.05


def test_the_bottom_is_that_of_the_neighbourhood_of_the_edge():
    """The whole is no parabola; near the edge its bottom lies at the fourth place."""
    lopsided = np.where(PLACES < 9, (PLACES - 3) ** 2, 36 + 500 * (PLACES - 9))
    assert bottom_before(PLACES, lopsided)
    assert not bottom_before(PLACES, np.where(PLACES < 9, PLACES**2, 81 + 500 * (PLACES - 9)))


def test_too_few_trials_have_no_bottom():
    assert not bottom_before(PLACES[:7], (PLACES[:7] - 3) ** 2)
