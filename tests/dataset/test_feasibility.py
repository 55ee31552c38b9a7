import dataclasses

import numpy as np
import pytest

from tuning_playbook.dataset.feasibility import (
    REASON,
    as_trained,
    never_got_anywhere,
    with_those_that_got_nowhere,
)
from tuning_playbook.dataset.rows import Axes
from tuning_playbook.trials.record import NO_CURVES, TrialRecord

LEARNS = [0.9, 0.3, 0.2, 0.1]
RECORD = TrialRecord("f", "completed", "", NO_CURVES, NO_CURVES)


def test_a_trial_that_stays_at_its_start_got_nowhere():
    curves = np.array([LEARNS, [0.9, 0.9, 0.9, 0.9], LEARNS])
    assert never_got_anywhere(curves).tolist() == [False, True, False]


def test_one_lucky_evaluation_gets_nowhere():
    """As of a network that names one class from its first hundred steps on."""
    start = np.array([0.94, 0.86, 0.91, 0.88, 0.95, 0.90])
    learns = start[:, None] * [1, 0.3, 0.2, 0.1, 0.08]
    curves = np.vstack([learns, [0.94, 0.81, 0.90, 0.90, 0.90]])
    assert never_got_anywhere(curves).tolist() == [False] * 6 + [True]


def test_a_trial_that_was_good_once_got_somewhere():
    curves = np.array([LEARNS, [0.94, 0.21, 0.9, 0.9]])
    assert not never_got_anywhere(curves).any()


def test_a_slow_trial_got_somewhere():
    slow = 0.9 - 0.03 * (1 - np.exp(-np.arange(21) / 5))
    fast = 0.9 - 0.85 * (1 - np.exp(-np.arange(21) / 5))
    assert not never_got_anywhere(np.stack([fast, slow])).any()


def fall(start, end):
    return end + (start - end) * np.exp(-np.arange(20) / 2)


def test_starts_of_pretrained_models_say_nothing_of_untrained_ones():
    untrained = [fall(0.9, end) for end in (0.35, 0.4, 0.45, 0.5, 0.54, 0.58)]
    pretrained = [fall(0.3, end) for end in (0.2, 0.21, 0.22, 0.25)]
    assert not never_got_anywhere(np.array([*untrained, *pretrained])).any()


def test_one_lucky_evaluation_makes_nowhere_of_no_other_trial():
    """Returns of reinforcement learning: noisy, but they rise."""
    generator = np.random.default_rng(0)
    returns = 200 * (1 - np.exp(-np.arange(51) / 15))
    curves = -(returns + 60 * generator.normal(size=(16, 51)))
    curves[3, 40] = -2500
    assert not never_got_anywhere(curves).any()


def test_starts_of_all_sizes_condemn_nobody_who_learns():
    start = np.array([2.3, 2.4, 50.0, 300.0, 7.0])
    curves = np.stack([start, np.array([1.0, 0.9, 1.2, 2.0, 1.1])], axis=1)
    assert not never_got_anywhere(curves).any()


def test_a_small_gain_on_a_pretrained_start_is_a_gain():
    curves = np.array([[-0.760, -0.764, -0.765], [-0.760, -0.770, -0.772]])
    assert not never_got_anywhere(curves).any()


def test_where_nobody_gets_anywhere_nobody_is_named():
    assert not never_got_anywhere(np.full((5, 4), 0.9)).any()


@pytest.mark.parametrize("examples", [100, 300, 1000])
def test_trials_that_guess_among_ten_classes_get_nowhere(examples):
    """Counted on so few examples; nine in ten are seen, and none that learns is condemned."""
    generator = np.random.default_rng(0)
    seen, wrong = [], []
    for _ in range(200):
        guess = generator.binomial(examples, 0.9, size=(8, 21)) / examples
        level = 0.9 * np.exp(-np.arange(21) / 3) + 0.1
        learns = generator.binomial(examples, np.minimum(level, 0.9), size=(8, 21)) / examples
        nowhere = never_got_anywhere(np.concatenate([guess, learns]))
        seen.append(nowhere[:8].mean())
        wrong.append(nowhere[8:].mean())
    print(f"{examples} examples: {np.mean(seen):.1%} seen, {np.mean(wrong):.1%} wrong")
    assert np.mean(seen) >= 0.9
    assert np.mean(wrong) == 0


def test_without_an_evaluation_of_the_untrained_model_nobody_is_judged():
    records = [RECORD, RECORD]
    metrics = {"error": np.array([[[0.9], [0.9]], [[0.5], [0.1]]])}
    late = Axes(np.array([100, 200]), np.empty(0), ("validation",))
    judged = with_those_that_got_nowhere(records, metrics, late, "validation/error", "min")
    assert judged == records
    after_one_step = dataclasses.replace(late, eval_step=np.array([1, 200]))
    judged = with_those_that_got_nowhere(
        records, metrics, after_one_step, "validation/error", "min"
    )
    assert [record.status for record in judged] == ["failed", "completed"]


def test_a_trial_whose_loss_falls_to_the_end_is_slow_and_got_somewhere():
    """Its error rate has not left chance yet; that of the other one never will."""
    errors = [[0.90, 0.60, 0.23], [0.93, 0.91, 0.88], [0.90, 0.90, 0.90]]
    losses = [[2.32, 1.79, 0.78], [2.33, 2.29, 2.20], [2.31, 2.31, 2.32]]
    metrics = {
        name: np.array(values)[:, :, None] for name, values in (("error", errors), ("loss", losses))
    }
    axes = Axes(np.array([0, 25, 50]), np.empty(0), ("validation",))
    judged = with_those_that_got_nowhere([RECORD] * 3, metrics, axes, "validation/error", "min")
    assert [record.status for record in judged] == ["completed", "completed", "failed"]


def test_the_reason_says_what_it_started_from_and_ended_at():
    accuracy = {"accuracy": np.array([[[0.1], [0.1]], [[0.1], [0.9]]])}
    axes = Axes(np.array([0, 100]), np.empty(0), ("validation",))
    lost, kept = with_those_that_got_nowhere(
        [RECORD, RECORD], accuracy, axes, "validation/accuracy", "max"
    )
    assert lost.status == "failed"
    assert lost.reason == f"{REASON}: validation/accuracy 0.1 before training, 0.1 at the end"
    assert kept == RECORD
    assert as_trained(lost) == RECORD


def test_a_trial_that_failed_keeps_its_own_reason():
    failed = dataclasses.replace(RECORD, status="failed", reason="out of memory")
    metrics = {"error": np.array([[[0.9], [0.9]], [[0.9], [0.1]]])}
    axes = Axes(np.array([0, 100]), np.empty(0), ("validation",))
    judged = with_those_that_got_nowhere([failed, RECORD], metrics, axes, "validation/error", "min")
    assert judged == [failed, RECORD]
    assert as_trained(failed) == failed
