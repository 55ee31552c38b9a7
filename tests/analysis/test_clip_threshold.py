"""Thresholds against the norms of every step, of which the histogram alone is given."""

import numpy as np
import pytest

from tuning_playbook.analysis.clip_threshold import Outliers, StepNorms, clip_threshold
from tuning_playbook.engine.windows import NORM_EDGES

BIN = NORM_EDGES[1] / NORM_EDGES[0]
FACTOR = 10.0


def histogram(norms):
    return StepNorms(NORM_EDGES, np.histogram(norms, NORM_EDGES)[0].astype(float))


def outliers(norms, ordinary):
    return Outliers(np.asarray(norms, float), np.asarray(ordinary, float))


NO_OUTLIERS = outliers([], [])


@pytest.fixture(scope="module")
def steps():
    """Norms that fall from 10 to 0.01, evenly in log: half of them are above 0.316."""
    return histogram(np.logspace(1, -2, 3000))


def test_without_outliers_it_is_where_one_begins(steps):
    assert clip_threshold(5.0, steps, [NO_OUTLIERS, NO_OUTLIERS]) == 5.0


def test_it_is_where_one_begins_if_that_takes_the_outliers_down(steps):
    assert clip_threshold(5.0, steps, [outliers([90.0, 60.0], [8.0, 9.0])]) == 5.0


def test_it_is_lowered_until_half_of_the_outliers_become_ordinary(steps):
    found = outliers([6.0, 4.0, 3.0, 0.02], [2.0, 1.5, 0.9, 0.01])
    assert clip_threshold(5.0, steps, [found]) == 1.5
    assert found.clipped(1.5) == 3


def test_it_stays_above_half_of_the_steps(steps):
    threshold = clip_threshold(5.0, steps, [outliers([0.6], [0.1])])
    assert np.sqrt(0.1) <= threshold < np.sqrt(0.1) * BIN**2
    assert clip_threshold(5.0, steps, [outliers([0.6], [0.1])], aggressive=0.9) == 0.1


def test_none_clips_outliers_that_most_steps_exceed(steps):
    assert clip_threshold(5.0, steps, [outliers([0.2], [0.1])]) is None


def test_it_serves_each_group_of_outliers(steps):
    high, low = outliers([900.0] * 9, [90.0] * 9), outliers([2.0], [1.0])
    assert clip_threshold(5.0, steps, [high, low]) == 1.0
    assert clip_threshold(5.0, steps, [high, outliers([0.2], [0.1])]) is None


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_shares_and_quantiles_are_those_of_the_steps(share):
    norms = np.exp(np.random.default_rng(1).normal(size=20_000))
    summed = histogram(norms)
    exact = np.quantile(norms, share)
    assert summed.quantile(share) == pytest.approx(exact, rel=0.02)
    assert summed.share_above(exact) == pytest.approx(1 - share, abs=0.005)


def test_what_is_proposed_holds_for_the_steps_themselves():
    """And where nothing is, what would do is narrower than a bin of the histogram."""
    generator = np.random.default_rng(0)
    proposed = 0
    for _ in range(500):
        fall = np.exp(-generator.uniform(0, 8) * np.linspace(0, 1, 1000))
        norms = fall * np.exp(0.3 * generator.normal(size=1000))
        places = generator.choice(1000, generator.integers(1, 9), replace=False)
        norms[places] = FACTOR * fall[places] * generator.uniform(1, 5, len(places))
        found = outliers(norms[places], FACTOR * fall[places])
        threshold = clip_threshold(np.quantile(norms, 0.9), histogram(norms), [found])
        half = np.sort(found.norms)[::-1][-(-len(places) // 2) - 1]
        if threshold is None:
            assert half <= np.median(norms) * BIN
        else:
            proposed += 1
            assert np.mean(found.norms > threshold) >= 0.5
            assert np.mean(norms > threshold) < 0.5
    print(f"a threshold is proposed for {proposed} of 500 runs")
    assert proposed >= 350
