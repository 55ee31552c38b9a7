"""Lines through evaluations whose trend is known."""

import numpy as np
import pytest

from tuning_playbook.analysis.trend import can_be_judged, fit_trend, whole_gain


def test_a_line_has_the_trend_of_its_ends_and_no_noise():
    trend = fit_trend(np.linspace(2.0, 3.0, 9))
    assert (trend.change, trend.noise) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-12))


def test_what_is_missing_or_too_short_cannot_be_judged():
    curve = np.array([np.nan, *np.linspace(0.9, 0.1, 9)])
    everything, rest = np.full(10, True), np.arange(10) > 0
    assert can_be_judged(curve, rest)
    assert not can_be_judged(curve, everything)
    assert not can_be_judged(curve, np.arange(10) > 6)
    assert whole_gain(curve) == pytest.approx(0.8)
