"""Overfitting, still improving, saturated early and best steps, on single studies."""

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.checklist import diagnose
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.ranking import best_trial, trial_id
from tuning_playbook.analysis.saturated_early import late_gain, saturated_early
from tuning_playbook.analysis.step_variance import step_variance
from tuning_playbook.analysis.still_improving import still_improving
from tuning_playbook.analysis.training_length import best_steps, is_consistent
from tuning_playbook.analysis.trend import fit_trend


def worsen(size: float, *arms: str):
    return lambda arm, at: size * np.maximum(0, 2 * at - 1) if arm in arms else 0 * at


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_best_trial_of_an_arm_overfitting_is_a_problem(mode):
    study = make_study(shape=worsen(0.1, ADAM), mode=mode)
    finding = overfitting(study)
    best = best_trial(study, ADAM)
    assert finding.answer == "problem"
    assert finding.trials == (trial_id(study, best),)
    rows = {row["arm"]: row for row in finding.numbers["arms"]}
    assert rows[ADAM]["rise"] == pytest.approx(0.1, rel=0.3)
    assert not rows[NESTEROV]["overfits"]


def test_other_trials_overfitting_are_a_warning_if_they_are_many():
    study = make_study()
    curve = study["error_rate"]
    steps = np.maximum(0, study["eval_step"].values / 1000 - 1)
    order = np.argsort(study["objective"].values)
    for many, answer in ((4, "ok"), (12, "warning")):
        for trial in order[-many:]:
            curve[trial, :, 1] = curve[trial, :, 1] + 0.2 * steps
        finding = overfitting(study)
        assert finding.answer == answer
        assert finding.numbers["overfitting"] >= many
    assert "small learning rate" in finding.advice


def test_a_smooth_curve_that_hardly_worsens_is_no_problem():
    finding = overfitting(make_study(noise=0.0, trial_noise=0.0, shape=worsen(1e-4, ADAM)))
    assert finding.answer == "ok"
    finding = overfitting(make_study(noise=0.0, trial_noise=0.0, shape=worsen(1e-1, ADAM)))
    assert finding.answer == "problem"


def test_flat_curves_without_noise():
    study = make_study(noise=0.0, time_constant=1e-3)
    assert overfitting(study).answer == "ok"
    assert still_improving(study).answer == "ok"
    assert saturated_early(study).answer == "warning"


def reaching_zero(at_steps, evaluations=40):
    """A study each trial of which reaches error 0 at its own evaluation, and stays there."""
    study = make_study(arms=["all trials"], trials=len(at_steps), evaluations=evaluations)
    for trial, step in enumerate(at_steps):
        study["error_rate"][trial] = np.maximum(0.0, 0.9 - 0.9 * np.arange(evaluations + 1) / step)[
            :, None
        ]
    study["objective"][:] = 0.0
    study["best_step"][:] = 100 * np.array(at_steps)
    return study


def test_where_all_trials_reach_the_same_the_first_to_get_there_is_the_best():
    study = reaching_zero([8, 6, 3, 5, 9, 7])
    finding = saturated_early(study)
    assert best_trial(study) == 2
    assert finding.answer == "warning"
    assert finding.trials == (trial_id(study, 2),)
    assert finding.numbers["arms"][0]["late_gain_at_most"] == {"train": 0.0, "validation": 0.0}
    assert still_improving(study).answer == "ok"
    assert best_steps(study).answer == "ok"


def test_where_all_reach_it_late_longer_training_is_proposed():
    study = reaching_zero([39, 38, 37, 39, 36, 38])
    assert best_trial(study) == 4
    assert saturated_early(study).answer == "ok"
    assert still_improving(study).answer == "warning"
    assert best_steps(study).answer == "warning"


@pytest.mark.parametrize("level", [0.1, 1 / 3, 0.7, 0.9])
def test_trials_that_stay_where_they_began_neither_improve_nor_saturate(level):
    study = reaching_zero([5] * 6, evaluations=36)
    study["error_rate"][:] = level
    study["objective"][:] = level
    assert still_improving(study).answer == "ok"
    finding = saturated_early(study)
    assert finding.answer == "cannot tell"
    assert finding.summary == "No best trial gained anything in training."


def test_training_that_goes_on_improving():
    study = make_study(time_constant=0.6)
    finding = still_improving(study)
    assert finding.answer == "warning"
    assert len(finding.trials) == 2
    assert saturated_early(study).answer == "ok"
    assert best_steps(study).answer == "warning"
    assert "Training longer" in best_steps(study).advice


def test_one_arm_that_needs_its_steps_speaks_against_fewer():
    study = make_study(
        time_constant=0.02, shape=lambda arm, at: -0.05 * at if arm == ADAM else 0 * at
    )
    assert saturated_early(study).answer == "ok"
    assert [row["saturated"] for row in saturated_early(study).numbers["arms"]] == [True, False]


def test_training_performance_counts_too():
    study = make_study(time_constant=0.02)
    assert saturated_early(study).answer == "warning"
    study["error_rate"].loc[{"split": "train"}] -= 0.05 * study["eval_step"] / 2000
    assert saturated_early(study).answer == "ok"


@pytest.mark.parametrize("check", [overfitting, still_improving, saturated_early])
def test_too_few_evaluations(check):
    assert check(make_study(evaluations=4)).answer == "cannot tell"


def test_missing_evaluations_do_not_stop_the_checks():
    study = make_study(shape=worsen(0.1, ADAM))
    study["error_rate"][:, 17, :] = np.nan
    answers = {finding.check: finding.answer for finding in diagnose(study)}
    assert answers["overfitting"] == "problem"
    assert answers["still_improving"] == answers["step_variance"] == "ok"
    study["error_rate"][:, 17:, :] = np.nan
    answers = {finding.check: finding.answer for finding in diagnose(study)}
    assert answers["still_improving"] == answers["step_variance"] == "cannot tell"


def test_equal_trials_without_noise_leave_nothing_to_tell_apart():
    assert step_variance(make_study(trial_noise=0, noise=0)).answer == "cannot tell"


def test_smooth_curves_that_saturated_do_not_ask_for_more_steps():
    """Each is best at its very end, by next to nothing."""
    study = make_study(noise=0, time_constant=0.03)
    finding = best_steps(study)
    assert saturated_early(study).answer == "warning"
    assert finding.answer == "ok"
    assert finding.numbers["saturated"] == 32


def ends_at_a_third(arm, _at):
    return 20 if arm == NESTEROV else 60


def test_a_shorter_trial_is_judged_to_its_own_end():
    """As where warmup comes on top: beyond its end nothing is missing."""
    study = make_study(evaluations=60, ends=ends_at_a_third, time_constant=0.6)
    improving = still_improving(study)
    assert [row["still_improving"] for row in improving.numbers["arms"]] == [True, True]
    assert best_steps(study).numbers["in_last_part"] == 32
    study = make_study(evaluations=60, ends=ends_at_a_third, time_constant=0.02)
    assert [row["saturated"] for row in saturated_early(study).numbers["arms"]] == [True, True]
    assert still_improving(study).answer == "ok"


def test_overfitting_of_a_shorter_trial():
    study = make_study(evaluations=60, ends=ends_at_a_third, shape=worsen(0.1, NESTEROV))
    assert overfitting(study).trials == (trial_id(study, best_trial(study, NESTEROV)),)


@pytest.mark.parametrize(
    ("settings", "proposed"),
    [
        ({"time_constant": 0.5}, 4000),
        ({"time_constant": 0.01, "shape": lambda _arm, at: 0.1 * at}, 400),
        ({}, None),
    ],
    ids=["late", "early", "neither"],
)
def test_best_steps_propose_a_length(settings, proposed):
    assert best_steps(make_study(**settings)).numbers["proposed_max_train_steps"] == proposed


@pytest.mark.parametrize("arms", [[ADAM, NESTEROV], ["all trials"]], ids=len)
def test_a_file_gives_the_same_answers(tmp_path, arms):
    study = make_study(arms=arms, shape=worsen(0.1, ADAM))
    study.to_netcdf(tmp_path / "study.nc")
    with xr.open_dataset(tmp_path / "study.nc") as read:
        assert diagnose(read) == diagnose(study)


def test_a_trend_and_its_noise():
    generator = np.random.default_rng(0)
    trends = [fit_trend(np.linspace(0, 3, 10) + generator.normal(size=10)) for _ in range(500)]
    changes = [trend.change for trend in trends]
    assert np.mean(changes) == pytest.approx(3, abs=0.15)
    assert np.mean([trend.error**2 for trend in trends]) == pytest.approx(np.var(changes), rel=0.2)
    covered = [trend.upper_bound(0.95) > 3 for trend in trends]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_a_perfect_line():
    assert fit_trend(np.zeros(5)).p_rising == 1.0
    assert fit_trend(np.arange(8.0)).p_rising < 1e-6
    assert fit_trend(-np.arange(8.0)).p_rising > 0.99


def test_the_late_gain_is_a_share_of_the_whole():
    rest = np.arange(21) >= 5
    falls_half = np.concatenate([np.linspace(1.0, 0.5, 5), np.linspace(0.5, 0.0, 16)])
    assert late_gain(falls_half, rest) == pytest.approx(0.5)
    assert late_gain(np.full(21, 0.3), rest) is None


def test_a_pattern_is_both_a_large_share_and_no_accident():
    assert is_consistent(9, 10, 0.75)
    assert not is_consistent(7, 10, 0.75)
    assert not is_consistent(3, 3, 0.75)
    assert not is_consistent(0, 0, 0.75)
