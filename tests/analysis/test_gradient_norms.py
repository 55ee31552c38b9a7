import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.gradient_norms import excess_over_typical, gradient_norms
from tuning_playbook.analysis.ranking import best_trial, trial_id


def spike(place, size=30.0, arm=ADAM):
    return lambda in_arm, at: size * (np.arange(len(at)) == place) * (in_arm == arm)


def rows(finding):
    return {row["arm"]: row for row in finding.numbers["arms"]}


def test_a_spike_and_the_threshold_that_would_clip_it():
    study = make_study(spikes=spike(12))
    best = best_trial(study, ADAM)
    finding = gradient_norms(study)
    row = rows(finding)[ADAM]
    assert finding.answer == "warning"
    assert finding.trials == (trial_id(study, best),)
    assert row["outlying_windows"] == 1
    assert row["largest"] == pytest.approx(30, rel=0.8)
    p90 = float(study["grad_norm_p90"].values[best])
    assert row["proposed_clip_norm"] == pytest.approx(p90, rel=0.01)
    assert f"at {row['proposed_clip_norm']:g} (clip_norm)" in finding.advice
    assert rows(finding)[NESTEROV]["outlying_windows"] == 0
    assert finding.numbers["trials_with_outliers"] >= 16


def test_large_gradients_early_are_what_warmup_is_for():
    assert gradient_norms(make_study(spikes=spike(0))).answer == "ok"


def test_a_shorter_trial_has_its_own_early_part():
    ends = {NESTEROV: 60, ADAM: 20}
    study = make_study(evaluations=60, ends=lambda arm, _at: ends[arm], spikes=spike(3))
    assert gradient_norms(study).answer == "warning"


def test_clipping_more_than_half_of_the_updates_is_too_aggressive():
    study = make_study()
    study["clipped_share"][:] = 0.6
    finding = gradient_norms(study)
    assert finding.answer == "warning"
    assert "clips 60% of its updates" in finding.summary
    assert "lower the learning rate" in finding.advice
    study["clipped_share"][:] = 0.4
    assert gradient_norms(study).answer == "ok"


def test_the_excess_is_over_the_median_of_the_windows_around():
    """A window's own mean hardly moves the median; where nothing is known there is no excess."""
    mean = np.full((2, 15), 2.0)
    mean[0, 7], mean[1] = 40.0, np.nan
    largest = mean + 1.0
    excess = excess_over_typical(mean, largest)
    assert excess[0, 7] == pytest.approx(41 / 2)
    assert excess[0, [0, 6, 8, 14]] == pytest.approx(3 / 2)
    assert not excess[1].any()
