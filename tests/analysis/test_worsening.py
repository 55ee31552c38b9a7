"""What follows the best value of a curve: whether it rises, and whether that matters."""

import numpy as np
import pytest

from tuning_playbook.analysis.worsening import Worsening, worsening

FALL = np.linspace(1.0, 0.1, 10)


def test_a_curve_that_rises_after_its_best_worsens():
    judged = worsening(np.concatenate([FALL, np.linspace(0.15, 0.45, 10)]), least_share=0.01)
    assert judged.relevant
    assert judged.rise == pytest.approx(0.3)
    assert judged.p_value < 1e-6


def test_a_rise_below_its_share_of_the_gain_does_not_matter():
    curve = np.concatenate([FALL, np.linspace(0.15, 0.45, 10)])
    assert not worsening(curve, least_share=0.5).relevant


def test_a_rise_within_the_scatter_does_not_matter():
    scatter = 0.05 * (-1.0) ** np.arange(10)
    judged = worsening(np.concatenate([FALL, 0.2 + scatter]), least_share=0.0)
    assert (judged.relevant, judged.p_value > 0.05) == (False, True)


@pytest.mark.parametrize(
    "curve", [[], [np.nan] * 9, [0.5], list(FALL), [*FALL, 0.2, 0.3, 0.4, 0.5]], ids=len
)
def test_a_best_value_among_the_last_leaves_nothing_to_judge(curve):
    assert worsening(np.array(curve), least_share=0.01) == Worsening()


def test_what_is_missing_is_left_out():
    curve = np.concatenate([FALL, np.linspace(0.15, 0.45, 10)])
    gaps = np.insert(curve, [0, 5, 20], np.nan)
    assert worsening(gaps, least_share=0.01) == worsening(curve, least_share=0.01)
