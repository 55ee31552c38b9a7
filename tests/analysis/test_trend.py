"""Lines through evaluations whose trend is known."""

import numpy as np
import pytest

from tuning_playbook.analysis.trend import fit_trend, judged_part, whole_gain


def test_a_line_has_the_trend_of_its_ends_and_no_noise():
    trend = fit_trend(np.linspace(2.0, 3.0, 9))
    assert (trend.change, trend.noise) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-12))


def test_what_is_missing_or_too_short_cannot_be_judged():
    curve = np.array([np.nan, *np.linspace(0.9, 0.1, 9)])
    assert judged_part(curve, np.arange(10) > 6) is None
    assert judged_part(curve, np.arange(10) < 5) is None
    assert whole_gain(curve) == pytest.approx(0.8)


@pytest.mark.parametrize("gap", [0, 1, 5, 9])
def test_one_evaluation_that_is_missing_is_left_out(gap):
    curve = np.linspace(0.9, 0.1, 10)
    curve[gap] = np.nan
    values = judged_part(curve, np.full(10, True))
    assert values.tolist() == curve[np.isfinite(curve)].tolist()


def test_a_part_of_a_window_does_not_speak_for_its_end():
    curve = np.where(np.arange(20) < 12, np.linspace(0.9, 0.1, 20), np.nan)
    assert judged_part(curve, np.full(20, True)) is None
