import json

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.gradient_norms import gradient_norms, typical_norms
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
    assert finding.trials[0] == trial_id(study, best)
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


def test_an_early_spike_stands_out_from_the_fall_before_it():
    finding = gradient_norms(make_study(spikes=spike(1, 60.0)))
    assert finding.answer == "warning"
    assert rows(finding)[ADAM]["outlying_windows"] == 1


def with_norms(mean, largest):
    """A study each trial of which has these gradient norms: [window] each."""
    study = make_study()
    study["grad_norm"][:], study["grad_norm_max"][:] = mean, largest
    edges = np.append(study["grad_norm_bin"].values, 1e8)
    study["grad_norm_count"][:] = np.histogram(mean, edges)[0]
    study["grad_norm_p90"][:] = np.quantile(mean, 0.9)
    return study


def test_outliers_below_the_percentile_of_all_norms_get_a_lower_threshold():
    """They are local: they come where the norms have become small."""
    mean = np.logspace(0, -2, 20)
    largest = np.where(np.arange(20) == 15, 20 * mean, 2 * mean)
    finding = gradient_norms(with_norms(mean, largest))
    row = rows(finding)[ADAM]
    assert largest[15] < row["p90"]
    assert row["proposed_clip_norm"] < largest[15]
    assert np.mean(mean > row["proposed_clip_norm"]) < 0.5
    assert row["clips_outliers"] == row["outliers"] == 16
    assert "is too high for the outliers" in finding.advice


def test_it_is_said_where_no_single_threshold_does():
    mean = np.where(np.arange(20) < 14, 1.0, 0.001)
    finding = gradient_norms(with_norms(mean, np.where(np.arange(20) == 17, 0.02, mean)))
    assert finding.answer == "warning"
    assert rows(finding)[ADAM]["proposed_clip_norm"] is None
    assert "No single clip_norm clips half of the outliers of optimizer=adam" in finding.advice


def diverging(trials, size):
    """Trials of Adam at the highest rates, that many of 16, whose last norms shoot up."""

    def lost(arm, at):
        return "diverged" if arm == ADAM and at["learning_rate"] > 1 - trials / 16 else ""

    study = make_study(reason=lost)
    ends = np.isfinite(study["grad_norm"].values).sum(axis=1) - 1
    for trial in np.flatnonzero(study["status"].values == "diverged"):
        study["grad_norm_max"][trial, ends[trial]] *= size
    return study


def test_unstable_trials_count_where_they_are_many():
    study = diverging(6, 100.0)
    finding = gradient_norms(study)
    row = rows(finding)[ADAM]
    assert finding.answer == "warning"
    assert (row["outlying_windows"], row["trials_with_outliers"]) == (0, 6)
    assert set(finding.trials) == set(study["trial"].values[study["status"].values == "diverged"])
    assert "6 of 16 trials, 6 of them infeasible, have gradient norms" in finding.summary
    assert row["clips_outliers"] >= 3
    assert finding.arms == (ADAM,)


def test_a_single_unstable_trial_is_counted_and_no_warning():
    finding = gradient_norms(diverging(1, 100.0))
    assert finding.answer == "ok"
    assert "1 of 32 trials have an outlying norm" in finding.summary


def test_trials_that_explode_are_none_of_the_calm_ones():
    assert gradient_norms(diverging(6, 1.0)).answer == "ok"


def test_an_arm_of_which_no_trial_is_feasible():
    study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "", spikes=spike(4))
    finding = gradient_norms(study)
    row = rows(finding)[ADAM]
    assert finding.answer == "warning"
    assert row["trial"] is None
    assert "of the norms of all trials" in finding.advice
    assert row["proposed_clip_norm"] > 0


def test_what_the_trial_clips_itself_is_no_outlier():
    study = make_study(spikes=spike(12))
    study["hp_clip_norm"] = ("trial", np.full(study.sizes["trial"], 0.5))
    assert gradient_norms(study).answer == "ok"
    study["hp_clip_norm"][:] = 0.0
    assert gradient_norms(study).answer == "warning"


def test_norms_of_single_steps_have_no_maximum_of_their_own():
    """As other tools log them."""
    study = make_study(spikes=spike(12))
    study["grad_norm"] = study["grad_norm_max"]
    assert gradient_norms(study.drop_vars("grad_norm_max")).answer == "warning"


def test_infinite_norms_are_a_divergence_and_no_outlier():
    study = make_study(spikes=spike(12))
    study["grad_norm_max"][:, 14] = np.inf
    study["grad_norm"][:, 16] = np.inf
    finding = gradient_norms(study)
    json.dumps(finding.to_json(), allow_nan=False)
    assert rows(finding)[ADAM]["outlying_windows"] == 1
    assert not rows(finding)[NESTEROV]["outlying_windows"]


def test_norms_without_a_histogram_have_no_threshold():
    finding = gradient_norms(make_study(spikes=spike(12)).drop_vars("grad_norm_count"))
    assert rows(finding)[ADAM]["proposed_clip_norm"] is None
    assert "no histogram" in finding.advice


def test_the_typical_norm_is_the_median_around_or_before():
    """A window's own mean hardly moves the median; before the first norm nothing is known."""
    mean = np.full((3, 15), 2.0)
    mean[0, 7], mean[1], mean[2, :4] = 40.0, np.nan, 200.0
    typical = typical_norms(mean)
    assert typical[0, 1:] == pytest.approx(2.0)
    assert typical[2, 1:8].tolist() == [200.0] * 5 + [2.0] * 2
    assert np.isnan(typical[:, 0]).all()
    assert np.isnan(typical[1]).all()


def test_a_jump_to_another_level_is_no_outlier():
    mean = np.repeat([[1.0, 50.0], [50.0, 1.0]], 10, axis=1)
    assert (mean[:, 1:] / typical_norms(mean)[:, 1:] <= 1.0).all()
