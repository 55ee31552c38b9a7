"""The threshold to clip at, from the histogram of gradient norms."""

import numpy as np
import pytest

from tuning_playbook.analysis.clip_threshold import StepNorms
from tuning_playbook.engine.windows import NORM_EDGES
from tuning_playbook.procedures.norms import Norms, first_threshold

STEPS, SEEDS = 2000, 20


def histogram(norms):
    return Norms(
        NORM_EDGES[:-1].tolist(), np.histogram(norms, NORM_EDGES)[0].astype(float).tolist()
    )


def with_outliers(seed, share):
    """The norms of all steps, and which of them are planted outliers."""
    random = np.random.default_rng(seed)
    norms = np.exp(0.3 * random.normal(size=STEPS))
    planted = random.random(STEPS) < share
    norms[planted] *= random.uniform(20, 100, size=int(planted.sum()))
    return norms, planted


@pytest.mark.parametrize("share", [0.005, 0.05, 0.2, 0.4])
def test_half_of_the_planted_outliers_are_clipped_and_less_than_half_of_all_steps(share):
    for seed in range(SEEDS):
        norms, planted = with_outliers(seed, share)
        threshold = first_threshold(histogram(norms))
        # The histogram does not say where in its bin a norm is: one bin is an eighth of a decade.
        assert np.mean(norms[planted] > threshold / 10**0.125) >= 0.5
        assert np.mean(norms > threshold) < 0.5


def test_without_outliers_it_is_the_90th_percentile():
    norms = np.exp(0.3 * np.random.default_rng(0).normal(size=STEPS))
    assert first_threshold(histogram(norms)) == pytest.approx(np.quantile(norms, 0.9), rel=0.05)


def test_quantiles_and_shares_are_those_of_the_analysis():
    norms, _ = with_outliers(0, 0.05)
    own = histogram(norms)
    other = StepNorms(NORM_EDGES, np.array(own.counts))
    for share in (0.01, 0.3, 0.5, 0.9, 0.97):
        assert own.quantile(share) == pytest.approx(other.quantile(share))
    for norm in (0.5, 1.0, 1.7, 40.0):
        assert own.share_above(norm) == pytest.approx(other.share_above(norm))
