import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, make_study
from tuning_playbook.analysis.initial_configuration import (
    beats_chance,
    least_gain,
    loss_of_commonest_class,
)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_chance_is_what_untrained_models_reach(mode):
    finding = beats_chance(make_study(mode=mode))
    assert finding.answer == "ok"
    assert finding.numbers["chance"] == pytest.approx(0.9 if mode == "min" else 0.1, abs=0.01)


def test_one_arm_that_does_not_learn_is_a_warning_and_all_are_a_problem():
    def effect(arm, _at):
        return 0.75 if arm == ADAM else 0.0

    finding = beats_chance(make_study(effect=effect))
    assert finding.answer == "warning"
    assert [row["beats_chance"] for row in finding.numbers["arms"]] == [True, False]
    assert beats_chance(make_study(effect=lambda *_: 0.75)).answer == "problem"


@pytest.mark.parametrize(("mode", "chance"), [("min", 0.2), ("max", 0.8)])
def test_always_naming_the_commonest_class_is_chance_where_it_is_better(mode, chance):
    """Four in five examples are of one class: an error of 0.18 is hardly better than that."""
    study = make_study(mode=mode, level=0.18)
    assert beats_chance(study).answer == "ok"
    study["class_examples"] = (("trial", "class"), np.tile([80, 20], (32, 1)))
    finding = beats_chance(study)
    assert finding.answer == "problem"
    assert finding.numbers["chance"] == pytest.approx(chance)


def test_a_metric_that_no_perfect_score_is_known_of():
    """A loss of 2.7 that comes to 0.3 has gained much, one that comes to 2.4 has not."""
    for level, answer in ((0.1, "ok"), (0.8, "problem")):
        study = make_study(level=level)
        study.attrs["objective_metric"] = "validation/loss"
        study["objective"][:] = 3 * study["objective"]
        assert beats_chance(study).answer == answer


def test_without_an_evaluation_before_training_chance_is_not_known():
    assert beats_chance(make_study().isel(eval_step=slice(1, None))).answer == "cannot tell"


def test_far_from_chance_is_a_share_of_the_way_and_beyond_what_untrained_models_differ_by():
    assert least_gain(0.9, 0.01, perfect=0.0, share=0.25) == pytest.approx(0.225)
    assert least_gain(-0.1, 0.01, perfect=-1.0, share=0.25) == pytest.approx(0.225)
    assert least_gain(0.9, 0.1, perfect=0.0, share=0.25) == pytest.approx(0.5)
    assert least_gain(2.4, 0.0, perfect=None, share=0.25) == pytest.approx(0.6)


def test_where_untrained_models_differ_much_the_best_of_them_counts():
    """AlgoPerf's models of criteo1tb begin at losses from 0.32 to 1.79, and come to 0.124."""
    begin = np.array([0.554, 1.786, 1.494, 1.266, 0.712])
    chance, spread = float(np.median(begin)), float(begin.std(ddof=1))
    assert 5 * spread > chance
    least = least_gain(chance, spread, perfect=None, share=0.25, best=float(begin.min()))
    assert least == pytest.approx(chance - 0.554 + 0.25 * 0.554)
    assert chance - 0.124 > least > chance - 0.42


def test_two_classes_leave_room_to_be_better_than_a_lucky_untrained_model():
    """An untrained model of two classes is wrong on anything from a tenth to nine tenths."""
    begin = np.linspace(0.12, 0.88, 16)
    chance, spread = float(np.median(begin)), float(begin.std(ddof=1))
    least = least_gain(chance, spread, perfect=0.0, share=0.25, best=0.12)
    assert chance - 0.03 > least > chance - 0.12


def test_without_examples_no_class_is_the_commonest():
    assert loss_of_commonest_class(np.zeros(3), perfect=0.0) == np.inf


def start_at(study, arm, start):
    """Let an arm's trials start from a trained model."""
    metric = "error_rate" if "error_rate" in study else "accuracy"
    study[metric][np.flatnonzero(study["arm"].values == arm), 0, :] = start
    return study


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_start_of_a_trained_model_is_not_chance(mode):
    """Adam comes from an error of 0.15 to less than 0.1 beside an arm from scratch."""
    study = start_at(make_study(mode=mode), ADAM, 0.15 if mode == "min" else 0.85)
    finding = beats_chance(study)
    assert finding.answer == "ok"
    assert [row["starts_far_better"] for row in finding.numbers["arms"]] == [False, True]
    for row in finding.numbers["arms"]:
        assert row["chance"] == pytest.approx(0.9 if mode == "min" else 0.1, abs=0.01)


def test_class_counts_tell_a_trained_model_without_another_arm():
    study = start_at(make_study(arms=(ADAM,)), ADAM, 0.1)
    assert beats_chance(study).answer == "problem"
    study["class_examples"] = (("trial", "class"), np.tile([10] * 10, (16, 1)))
    assert beats_chance(study).answer == "ok"


def test_an_arm_from_scratch_is_not_judged_by_the_start_of_a_trained_model():
    """It learns nothing, though it is better than the two arms' starts are on average."""
    study = start_at(
        make_study(effect=lambda arm, _at: 0.75 * (arm != ADAM), trial_noise=0.001), ADAM, 0.3
    )
    finding = beats_chance(study)
    assert finding.answer == "warning"
    assert [row["beats_chance"] for row in finding.numbers["arms"]] == [False, True]


def test_a_loss_that_starts_far_below_that_of_another_arm_cannot_tell():
    study = make_study()
    study.attrs["objective_metric"] = "validation/loss"
    study["objective"][:] = 3 * study["objective"]
    study["loss"][np.flatnonzero(study["arm"].values == ADAM), 0, :] = 0.3
    finding = beats_chance(study)
    assert finding.answer == "cannot tell"
    assert "if they start from a trained model" in finding.summary
