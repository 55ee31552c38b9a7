"""The ranks between which a tuning curve lies, against drawing."""

import numpy as np
import pytest

from tuning_playbook.analysis.tuning_curve import EVERY_BUDGET, band_ranks


@pytest.mark.parametrize("trials", [3, 8, 32, 100, 300])
def test_the_confidence_is_that_of_drawing(trials):
    ranks = band_ranks(trials)
    levels = 1 - 0.5 ** (1 / ranks.budgets)
    drawn = np.random.default_rng(0).random((10_000, trials))
    below = np.stack([(drawn <= level).sum(axis=1) for level in levels], axis=1)
    held = np.mean(np.all((below >= ranks.low) & (below < ranks.high), axis=1))
    assert ranks.confidence >= 0.95
    assert held == pytest.approx(ranks.confidence, abs=0.008)


@pytest.mark.parametrize("trials", [32, 100, 1000])
def test_no_more_confidence_than_asked_for(trials):
    assert band_ranks(trials).confidence < 0.953


def test_the_band_narrows_with_more_trials():
    def width(trials):
        ranks = band_ranks(trials)
        return float((ranks.high - ranks.low)[0]) / trials

    assert width(1000) < width(100) < width(20)


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_few_trials_bound_little(trials):
    ranks = band_ranks(trials)
    assert not ranks.low.any()
    assert ranks.high[0] == trials + 1


def test_of_many_trials_the_band_is_told_at_some_budgets():
    budgets = band_ranks(10_000).budgets
    assert budgets[: EVERY_BUDGET + 1].tolist() == [*range(1, EVERY_BUDGET + 1), 130]
    assert budgets[-1] == 10_000
    assert len(budgets) < 400
