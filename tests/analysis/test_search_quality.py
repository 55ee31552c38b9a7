"""Sampling density, unequal tuning, step-to-step variance and the training loss, one at a time."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, log_uniform, make_study, uniform
from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.ranking import best_trial, ranked, trial_id
from tuning_playbook.analysis.sampling_density import first_gap, sampling_density
from tuning_playbook.analysis.step_variance import spread_of_better_half, step_variance
from tuning_playbook.analysis.train_loss import train_loss_rising
from tuning_playbook.analysis.unequal_tuning import unequal_tuning
from tuning_playbook.study.thresholds import Boundary


def rows(finding):
    return {row["arm"]: row for row in finding.numbers["arms"]}


def lucky(count):
    """So many trials of one arm lie in a narrow good region."""
    return lambda arm, at: -0.5 * (arm == ADAM and at["weight_decay"] < count / 16)


@pytest.mark.parametrize("count", [1, 2])
def test_trials_that_stand_alone_are_named(count):
    study = make_study(level=0.7, effect=lucky(count))
    finding = sampling_density(study)
    best = tuple(trial_id(study, trial) for trial in ranked(study, ADAM)[:count])
    assert finding.answer == "warning"
    assert finding.trials == best
    assert rows(finding)[ADAM]["gap"] == pytest.approx(0.5, abs=0.05)
    assert not rows(finding)[NESTEROV]["alone"]


def test_a_good_region_with_four_trials_was_sampled():
    assert sampling_density(make_study(level=0.7, effect=lucky(4))).answer == "ok"


def test_a_gap_within_the_scatter_of_evaluations_is_none():
    study = make_study(level=0.7, effect=lucky(1), noise=0.4)
    assert sampling_density(study).answer == "ok"


def test_too_few_trials_to_tell():
    assert sampling_density(make_study(trials=5)).answer == "cannot tell"
    assert sampling_density(make_study(trials=5, searched=[])).answer == "ok"


def test_what_the_arms_have_been_given():
    finding = unequal_tuning(make_study())
    nesterov = rows(finding)[NESTEROV]
    assert (nesterov["trials"], nesterov["feasible"], nesterov["hyperparameters"]) == (16, 16, 3)
    assert nesterov["trials_per_side"] == pytest.approx(16 ** (1 / 3))


def test_an_arm_with_half_of_the_feasible_trials():
    lost = iter(range(100))
    study = make_study(reason=lambda arm, _at: "lost" if arm == ADAM and next(lost) % 2 else "")
    finding = unequal_tuning(study)
    assert finding.answer == "warning"
    assert f"{ADAM} has 8 feasible trials over 2 hyperparameters" in finding.summary


def test_a_boundary_in_one_arm_only():
    one = make_study(effect=lambda arm, at: -at["learning_rate"] * (arm == ADAM))
    finding = unequal_tuning(one)
    assert rows(finding)[ADAM]["at_boundary"] == ["learning_rate"]
    assert f"The best trials of {ADAM} cluster at an edge of learning_rate" in finding.summary
    both = make_study(effect=lambda _arm, at: -at["learning_rate"])
    assert unequal_tuning(both).answer == "ok"


def test_findings_that_are_there_are_not_asked_for_again():
    study = make_study(effect=lambda arm, at: -at["learning_rate"] * (arm == ADAM))
    lenient = boundary(study, Boundary(significance=1e-12))
    assert unequal_tuning(study, found=[lenient]).answer == "ok"


def test_one_arm_has_nothing_to_be_compared_with():
    assert unequal_tuning(make_study(arms=["all trials"])).answer == "ok"


@pytest.mark.parametrize(("lost", "answer"), [(0, "ok"), (5, "warning")])
def test_a_joint_design_deals_fewer_trials_to_arms_under_a_condition(lost, answer):
    """Nesterov's 16 and Adam's 16, which two schedules share, are as many for each optimizer."""
    arms = [NESTEROV, f"{ADAM}, schedule=constant", f"{ADAM}, schedule=cosine"]
    study = make_study(arms=arms).isel(trial=[*range(16), *range(16, 24), *range(32, 40)])
    study["objective"][16 : 16 + lost] = np.nan
    dealt = study.assign_attrs(arm_shares=[1 / 2, 1 / 4, 1 / 4])
    assert unequal_tuning(dealt).answer == answer
    assert unequal_tuning(study).answer == "warning"  # as separate searches they are unequal


def test_scatter_is_measured_on_both_splits():
    found = [rows(step_variance(make_study(seed=seed, noise=0.02)))[ADAM] for seed in range(20)]
    on_both = [row["scatter_by_split"] for row in found]
    assert np.median([row["scatter"] for row in found]) == pytest.approx(0.02, rel=0.3)
    assert np.median([on["validation"] for on in on_both]) == pytest.approx(0.02, rel=0.3)
    assert np.median([on["train"] for on in on_both]) == pytest.approx(0.01, rel=0.3)
    assert len(found[0]["trials"]) == 5


@pytest.mark.parametrize("shape", ["still falling", "bends", "falls at once", "turns up"])
def test_a_smooth_curve_does_not_scatter(shape):
    """Its trials differ by a thousandth, and it moves by many times that late in training."""

    def curve(_arm, at):
        return {
            "still falling": 0.3 * np.exp(-at / 0.4),
            "bends": 0.2 / (1 + 10 * at) + 0.1 * np.maximum(0, at - 0.9),
            "falls at once": np.where(at < 0.86, 0.1, 0.0),
            "turns up": (at - 0.8) ** 2,
        }[shape]

    for evaluations in (20, 60):
        settings = {"noise": 1e-5, "trial_noise": 1e-3, "evaluations": evaluations}
        study = make_study(level=0.3, shape=curve, time_constant=0.02, **settings)
        finding = step_variance(study)
        assert finding.answer == "ok"
        assert max(row["scatter"] for row in rows(finding).values()) < 3e-4


def test_a_clear_gap_between_the_arms_is_told_apart_in_spite_of_scatter():
    noisy = {"seed": 1, "level": 0.3, "noise": 0.04}
    assert step_variance(make_study(**noisy)).answer == "warning"
    far = make_study(**noisy, effect=lambda arm, _at: 0.3 * (arm == ADAM))
    assert step_variance(far).answer == "ok"
    assert step_variance(far).numbers["gap_between_arms"] == pytest.approx(0.3, abs=0.1)


def test_one_unstable_trial_among_the_best_does_not_speak_for_them():
    study = make_study()
    unstable = ranked(study, ADAM)[2]
    study["error_rate"][unstable, 15:, 1] += 0.3 * (np.arange(6) % 2)
    assert step_variance(study).answer == "ok"


def test_a_rising_training_loss_of_a_best_trial_is_a_problem():
    def rise(arm, at):
        return 0.1 * np.maximum(0, 2 * at - 1) * (arm == ADAM)

    study = make_study(train_shape=rise)
    finding = train_loss_rising(study)
    assert finding.answer == "problem"
    assert finding.trials == (trial_id(study, best_trial(study, ADAM)),)
    assert rows(finding)[ADAM]["rise"] == pytest.approx(0.3, rel=0.3)


def test_many_rising_training_losses_are_a_warning():
    study = make_study()
    steps = np.maximum(0, study["train_step"].values / 1000 - 1)
    for trial in ranked(study)[-12:]:
        study["train_loss"][trial] = study["train_loss"][trial] + 0.5 * steps
    assert train_loss_rising(study).answer == "warning"
    assert train_loss_rising(study).numbers["rising"] >= 12


def test_the_spread_is_that_of_the_better_half():
    assert spread_of_better_half(np.array([1.0, 2.0, 3.0, 4.0, 50.0, 60.0, 70.0, 80.0])) == (
        pytest.approx(np.std([1, 2, 3, 4], ddof=1))
    )
    assert spread_of_better_half(np.array([1.0, 2.0])) is None


def test_the_first_gap_is_the_larger_one_and_rare_where_the_others_are_small():
    even = np.arange(12.0)
    count, p_value = first_gap(np.concatenate([[-20.0, -19.0], even]), unit=0.0)
    assert (count, p_value < 0.01) == (2, True)
    assert first_gap(even, unit=0.0)[1] > 0.2


def test_a_gap_of_one_unit_of_a_metric_that_counts_is_none():
    """Without a word of the unit the others, all equal, have no gaps to compare it with."""
    counted = np.array([10.0, *[11.0] * 11])
    assert first_gap(counted, unit=0.0)[1] == 0.0
    assert first_gap(counted, unit=1.0)[1] > 0.05
    assert first_gap(np.array([2.0, *[11.0] * 11]), unit=1.0)[1] < 0.001
    assert first_gap(np.full(12, 11.0), unit=0.0)[1] == 1.0


def test_as_many_trials_over_more_hyperparameters_are_tuned_less():
    searched = [
        log_uniform("learning_rate", 1e-4, 1.0, [ADAM], ADAM),
        *(uniform(f"h{number}", 0.0, 1.0, [NESTEROV], NESTEROV) for number in range(5)),
    ]
    finding = unequal_tuning(make_study(trials=8, searched=searched))
    assert finding.answer == "warning"
    assert "optimizer=adam has 8 feasible trials over 1 hyperparameter and" in finding.summary
    assert "optimizer=nesterov has 8 feasible trials over 5 hyperparameters." in finding.summary
    assert unequal_tuning(make_study(trials=8, searched=searched[:3])).answer == "ok"
