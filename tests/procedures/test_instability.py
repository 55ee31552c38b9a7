"""Whether a trial was unstable, told from its training loss."""

import numpy as np
import pytest

from tuning_playbook.procedures.instability import instability, is_early, learns_little
from tuning_playbook.procedures.procedure_history import Outcome

WINDOWS = 200
STEPS = tuple(5 * (place + 1) for place in range(WINDOWS))
SEEDS = 200


def outcome(losses, **changes):
    fields = {"trial": "a", "values": {"learning_rate": 0.1}, "loss": 0.1}
    curves = {"steps": STEPS, "train_losses": tuple(float(loss) for loss in losses)}
    return Outcome(**(fields | curves | changes))


def learning(seed, noise=0.1):
    """A loss that falls from 2.3 towards 0.2, with scatter in proportion."""
    random = np.random.default_rng(seed)
    level = 0.2 + 2.1 * np.exp(-np.arange(WINDOWS) / 30)
    return level * np.exp(noise * random.normal(size=WINDOWS))


def test_a_loss_that_falls_with_scatter_is_stable():
    raised = [instability(outcome(learning(seed, 0.3))) is not None for seed in range(SEEDS)]
    assert np.mean(raised) <= 0.01 + 2 * (0.01 * 0.99 / SEEDS) ** 0.5


def test_a_loss_that_only_scatters_is_stable():
    random = np.random.default_rng(0)
    curves = 2.3 + 0.1 * random.normal(size=(SEEDS, WINDOWS))
    assert not any(instability(outcome(curve)) for curve in curves)


@pytest.mark.parametrize("shape", ["jump", "slope"])
def test_a_lasting_rise_is_unstable_since_its_lowest_loss(shape):
    for seed in range(20):
        losses = learning(seed)
        rising = np.arange(WINDOWS - 100) if shape == "slope" else np.full(WINDOWS - 100, 40)
        losses[100:] += 0.05 * rising
        found = instability(outcome(losses))
        assert found is not None
        assert 60 * 5 <= found.step <= 130 * 5
        assert not is_early(found.step, STEPS[-1])


def test_one_bad_window_is_no_instability():
    losses = learning(0)
    losses[100] = 50.0
    assert instability(outcome(losses)) is None


def test_a_rise_that_is_over_within_a_tenth_of_the_run_does_no_lasting_harm():
    losses = learning(0)
    losses[3:12] += 5.0
    assert instability(outcome(losses)) is None
    losses[3:40] += 5.0
    assert instability(outcome(losses)).step <= 15


def test_a_trial_that_diverged_is_unstable_since_it_began_to_rise():
    rising = [*learning(0)[:100], *(0.2 * 1.5 ** np.arange(1, 20))]
    found = instability(outcome(rising, diverged=True, loss=None))
    assert 60 * 5 <= found.step <= 105 * 5


@pytest.mark.parametrize("windows", [0, 1, 2])
def test_a_trial_that_diverged_at_once_is_unstable_from_the_start(windows):
    found = instability(outcome([2.3] * windows, diverged=True, loss=None))
    assert is_early(found.step, STEPS[-1])


def test_a_collapse_is_an_instability_since_its_step():
    assert instability(outcome(learning(0), collapse_step=700)).step == 700


def test_a_trial_that_never_got_anywhere_is_not_unstable_by_itself():
    assert instability(outcome(np.full(WINDOWS, 2.3), nowhere=True, loss=None)) is None


def test_a_trial_whose_loss_rose_at_once_learns_little_until_it_is_below_an_untrained_one():
    raised = 1.0 + learning(1)  # from 3.3 to 1.2: it gains less than its own start makes believe
    assert not learns_little(outcome(raised), outcome(learning(0)))
    assert learns_little(outcome(0.8 + raised), outcome(learning(0)))


def test_as_many_steps_of_a_reference_count():
    slow = 2.3 - 0.002 * np.arange(WINDOWS)
    begun = outcome(learning(0)[:20], steps=STEPS[:20])
    assert learns_little(outcome(slow[:20], steps=STEPS[:20]), outcome(learning(0)))
    assert not learns_little(begun, outcome(learning(1)))
    assert not learns_little(outcome(slow[:20], steps=STEPS[:20]), outcome(slow))


def test_a_run_that_ends_within_the_first_window_of_a_reference_is_not_compared_with_it():
    coarse = outcome([1.5, 0.9, 0.5], steps=(1000, 2000, 3000))
    short = outcome(2.3 - 0.02 * np.arange(10), steps=tuple(range(3, 33, 3)))
    assert not learns_little(short, coarse)


def test_windows_of_another_length_do_not_say_where_training_starts():
    """The mean over 500 steps is far below the loss of the first of them."""
    coarse = outcome([1.0, 0.9, 0.8], steps=(500, 1000, 1500))
    fine = outcome(2.3 - 0.02 * np.arange(50), steps=tuple(range(30, 1530, 30)))
    assert not learns_little(fine, coarse)
