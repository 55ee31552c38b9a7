"""What batches from the host cost: planted times against what the clock tells."""

import time
from statistics import median

import jax
import numpy as np
import pytest

from tests.engine.quadratic import BEST_LOSS, make_trial
from tests.engine.slow_input import STEP_SECONDS, BusyDevice, SlowInput
from tests.engine.test_stream import trial_of
from tuning_playbook.analysis.input_bound import is_input_bound, step_ratio
from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.run import train_group
from tuning_playbook.engine.stream import stream_of

STEPS, INTERVAL = 30, 5
PIECES = STEPS // INTERVAL
COMPUTE = STEPS * STEP_SECONDS


def trained_with(workload, program=None):
    trial = trial_of(max_train_steps=STEPS, eval_every=INTERVAL)
    if program is None:
        data = place_data(workload.load_data(), trial.batch_size, 0)
        program = Program(trial, workload, data, 0)
    return program, train_group(program, [trial], BEST_LOSS, stream=stream_of(workload))


@pytest.fixture(scope="module")
def program():
    """Return a program that is compiled: while one compiles, batches are read ahead."""
    fast = SlowInput()
    fast.times = 0.0
    return trained_with(fast)[0]


@pytest.fixture
def cost_of(program):
    """Return what the batches cost that take so many times as long as a step."""

    def cost_of(times):
        workload = SlowInput()
        workload.times = times
        return trained_with(workload, program)[1].input_seconds

    return cost_of


def ratio_of(seconds):
    return step_ratio(seconds.wait / (seconds.wait + seconds.train))


def slowed(function, seconds, counts=lambda kwargs: True):
    """Return a function that takes some seconds more, where that counts."""

    def slow(*args, **kwargs):
        if counts(kwargs):
            time.sleep(seconds)
        return function(*args, **kwargs)

    return slow


def test_input_that_takes_nine_tenths_of_a_step_bounds_it(cost_of):
    seconds = cost_of(9.0)
    assert is_input_bound(ratio_of(seconds))
    assert seconds.read > 5 * COMPUTE
    # Nothing is waited for but what is read, put together and moved.
    assert 0.9 * seconds.read <= seconds.wait <= seconds.read + seconds.stack + seconds.transfer
    assert seconds.train >= COMPUTE


def test_input_that_takes_a_twentieth_of_a_step_does_not(cost_of):
    assert not is_input_bound(median(ratio_of(cost_of(1 / 19)) for _ in range(3)))


@pytest.mark.parametrize("part", ["stack", "transfer"])
def test_putting_together_and_moving_count(cost_of, monkeypatch, part):
    much = 8 * INTERVAL * STEP_SECONDS  # for a piece of so many steps
    if part == "stack":
        slow = slowed(np.stack, much, lambda kwargs: kwargs.get("axis") == 1)
        monkeypatch.setattr(np, "stack", slow)
    else:
        monkeypatch.setattr(jax, "device_put", slowed(jax.device_put, much))
    seconds = cost_of(0.0)
    assert is_input_bound(ratio_of(seconds))
    assert getattr(seconds, part) >= 8 * COMPUTE
    assert seconds.read < getattr(seconds, part)


def test_what_the_host_does_while_the_device_trains_is_no_waiting(monkeypatch):
    workload = BusyDevice()
    program, _ = trained_with(workload)
    piece = trained_with(workload, program)[1].input_seconds.train / PIECES
    slow = slowed(np.stack, 0.25 * piece, lambda kwargs: kwargs.get("axis") == 1)
    monkeypatch.setattr(np, "stack", slow)
    found = [trained_with(workload, program)[1].input_seconds for _ in range(3)]
    assert min(seconds.stack for seconds in found) >= 0.25 * piece * PIECES
    # The first piece has nothing to hide behind.
    assert median(seconds.wait / seconds.stack for seconds in found) < 0.6


def test_an_evaluation_is_no_training_and_batches_are_read_meanwhile():
    workload = SlowInput()
    workload.times, workload.evaluation = 0.0, 4.0 * INTERVAL
    program, _ = trained_with(workload)
    workload.times = 1.0
    seconds = trained_with(workload, program)[1].input_seconds
    assert COMPUTE <= seconds.train < 4 * COMPUTE  # with the evaluations it were five times
    assert seconds.wait < seconds.train


def test_a_trial_that_goes_on_from_its_end_waits_for_nothing(program):
    def at_its_end(lanes, state):
        for lane in lanes:
            for values in lane.metrics.values():
                values[:] = 1.0
        return STEPS, state, 0.0

    stream = stream_of(SlowInput())
    trained = train_group(program, [program.trial], BEST_LOSS, stream=stream, resume=at_its_end)
    assert trained.input_seconds.wait == trained.input_seconds.train == 0.0


def test_data_on_the_device_has_no_such_cost(workload, data):
    trial = make_trial()
    program = Program(trial, workload, data, 50)
    assert train_group(program, [trial], BEST_LOSS).input_seconds is None
