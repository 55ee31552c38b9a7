"""Which trials broke down, where chance is known and where it is found among them."""

import numpy as np

from tests.analysis.synthetic import ADAM, make_study
from tuning_playbook.analysis.breakdown import broken_down, did_not_train
from tuning_playbook.analysis.ranking import members

UNKNOWN = np.full(4, np.nan)


def test_those_that_are_infeasible_or_gain_a_tenth_of_the_best():
    loss = np.array([0.1, 0.5, 0.85, np.nan])
    start = np.array([0.9, np.nan, 0.9, 0.9])
    assert did_not_train(loss, start, UNKNOWN).tolist() == [False, False, True, True]


def test_without_a_start_only_the_infeasible_ones_are_known():
    loss = np.array([0.1, 0.5, 0.85, np.nan])
    assert did_not_train(loss, UNKNOWN, UNKNOWN).tolist() == [False, False, False, True]


def test_three_that_stay_at_one_level_sit_at_chance():
    """A loss of 3.6 before training, of 2.303 at chance, as of ten classes."""
    loss = np.array([0.78, 0.9, 1.1, 2.303, 2.304, 2.31, 1.9, 2.303])
    start = np.full(8, 3.6)
    stuck = np.where(loss > 2, loss, 3.0)
    expected = [False, False, False, True, True, True, False, True]
    assert did_not_train(loss, start, stuck).tolist() == expected
    worse_than_chance = np.append(loss, 2.9)
    assert did_not_train(worse_than_chance, np.full(9, 3.6), np.append(stuck, 3.5))[-1]
    # Two may be as bad as each other by accident, and what goes on improving is not stuck.
    assert not did_not_train(loss[:5], start[:5], stuck[:5]).any()
    assert not did_not_train(loss, start, np.full(8, 3.0)).any()


def test_nothing_trained_at_all():
    start = np.full(3, 0.9)
    assert not did_not_train(start, start, start).any()
    assert did_not_train(np.full(3, np.nan), start, start).all()


def test_of_a_study_it_is_the_arm_and_its_curves():
    def effect(_arm, at):
        return 0.3 if at["learning_rate"] > 0.75 else 0.0

    study = make_study(level=0.3, effect=effect, trial_noise=0.001, time_constant=0.02)
    rates = study["hp_learning_rate"].values[members(study, ADAM)]
    position = np.log(rates / 1e-5) / np.log(1e4)
    assert broken_down(study, ADAM).tolist() == (position > 0.75).tolist()
    later = study.assign_coords(eval_step=study["eval_step"] + 100)
    assert not broken_down(later, ADAM).any()
