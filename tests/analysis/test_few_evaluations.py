"""What a check does not know it does not tell: with few evaluations, or none from the start."""

import numpy as np
import pytest

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.learning_rate_edge import learning_rate_edge
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.saturated_early import saturated_early
from tuning_playbook.analysis.still_improving import still_improving
from tuning_playbook.analysis.training_length import best_steps


def evaluated_at(places, **settings):
    """A study that was evaluated at some of 21 places only, its best values among those."""
    study = make_study(**settings).isel(eval_step=list(places))
    validation = study["error_rate"].sel(split="validation").values
    best = np.where(np.isnan(validation), np.inf, validation).argmin(axis=1)
    study["best_step"] = ("trial", study["eval_step"].values[best])
    study["objective"] = ("trial", np.nanmin(validation, axis=1))
    return study


def falls(_arm, at):
    return -0.1 * at


class TestBestSteps:
    @pytest.mark.parametrize("places", [[20], [0, 20], [0, 19, 20]])
    def test_one_late_evaluation_is_no_sign_of_too_short_a_training(self, places):
        finding = best_steps(evaluated_at(places))
        assert finding.answer == "cannot tell"
        assert finding.numbers["proposed_max_train_steps"] is None
        assert "32 of 32 feasible trials are evaluated too seldom" in finding.summary
        assert finding.advice == "Evaluate more often."

    @pytest.mark.parametrize("places", [[10, 20], [7, 14, 20], range(0, 21, 5), range(21)])
    def test_evaluations_on_both_sides_tell(self, places):
        assert best_steps(evaluated_at(places, shape=falls)).answer == "warning"
        assert best_steps(evaluated_at(places)).answer == "ok"

    def test_trials_that_tell_nothing_are_left_out(self):
        study = make_study(shape=falls)
        study["error_rate"][:10, :20] = np.nan
        finding = best_steps(study)
        assert finding.numbers["seldom_evaluated"] == 10
        assert finding.numbers["feasible"] == 22
        assert "(without 10 that are evaluated too seldom)" in finding.summary

    def test_trials_that_never_get_better_than_untrained_tell_nothing(self):
        study = make_study(shape=lambda _arm, at: at)
        study["best_step"][:] = 0
        assert best_steps(study).answer == "cannot tell"
        study["best_step"][3:] = 2000
        assert best_steps(study).numbers["best_untrained"] == 3


class TestTheWholeGain:
    """A line that is flat late is flat against what was gained before it."""

    def test_is_not_known_from_the_second_half_alone(self):
        study = evaluated_at(range(10, 21), noise=0.0001, shape=falls)
        assert still_improving(study).answer == "cannot tell"
        flat = evaluated_at(range(10, 21), noise=0.001)
        assert saturated_early(flat).answer == "cannot tell"

    def test_is_known_from_an_early_evaluation_on(self):
        study = evaluated_at(range(1, 21), noise=0.0001, shape=falls)
        assert still_improving(study).answer == "warning"
        assert saturated_early(study).answer == "ok"

    def test_is_at_least_what_is_seen_of_it(self):
        """From the middle of the fall on: what is nothing of that gain is nothing of the whole."""
        study = evaluated_at(range(3, 21), noise=0.00001, trial_noise=0.0, time_constant=0.03)
        study["error_rate"][:, 0] += 0.5
        assert saturated_early(study).answer == "warning"


class TestTheLearningRateEdge:
    """Which trials hardly trained is told by what they were before."""

    def test_is_not_known_without_an_evaluation_before_training(self):
        finding = learning_rate_edge(evaluated_at([20]))
        assert finding.answer == "cannot tell"
        assert "No trial was evaluated before its first step" in finding.summary
        assert learning_rate_edge(evaluated_at([0, 20])).answer == "ok"

    def test_infeasible_trials_tell_it_too(self):
        def lost(_arm, at):
            return "diverged" if at["learning_rate"] > 0.75 else ""

        study = make_study(reason=lost).isel(eval_step=slice(1, None))
        finding = learning_rate_edge(study)
        assert finding.answer != "cannot tell"
        assert any(row["unstable_above"] for row in finding.numbers["arms"])


def test_a_metric_on_one_split_does_not_tell_of_both():
    study = make_study(noise=0.0001, time_constant=0.03)
    assert saturated_early(study).answer == "warning"
    study["error_rate"].loc[{"split": "train"}] = np.nan
    finding = saturated_early(study)
    assert finding.answer == "cannot tell"
    assert "was not measured on train data" in finding.summary


def test_a_metric_that_was_never_measured_on_validation_data_tells_no_overfitting():
    study = make_study()
    study["error_rate"].loc[{"split": "validation"}] = np.nan
    assert overfitting(study).answer == "cannot tell"
