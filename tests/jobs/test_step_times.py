"""The timing of steps, of a machine whose computation and input take known times."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from tuning_playbook.engine.feed import HostFeed
from tuning_playbook.jobs import step_times
from tuning_playbook.jobs.step_times import TimedInput
from tuning_playbook.trials.probe import Probe

COMPUTE, INPUT = 0.002, 0.02
"""Seconds a step, in a machine that does one thing at a time."""


class SlowFeed(HostFeed):
    """A feed whose batches take their time: to be read, or to be put together."""

    def __init__(self, read=0.0, stack=0.0):
        self.most_steps = 10**6
        self.read, self.stack, self.stack_seconds = read, stack, 0.0

    def next(self, steps):
        for seconds in filter(None, (self.read, self.stack)):
            time.sleep(steps * seconds)
        self.stack_seconds += steps * self.stack
        return np.zeros((steps, 2), np.float32)


class SlowProgram:
    """A program that computes for a known time, on a device that is slowly reached."""

    def __init__(self, transfer=0.0):
        self.spread = SimpleNamespace(feed=self.feed)
        self.transfer, self.lengths = transfer, set()

    def feed(self, batches):
        if self.transfer:
            time.sleep(len(batches) * self.transfer)
        return batches

    def train(self, state, first_step, steps, seed, traced, fed):
        assert len(fed) == steps
        self.lengths.add(steps)
        time.sleep(steps * COMPUTE)
        return state + steps, np.zeros(steps)


def timed(monkeypatch, program, feed):
    monkeypatch.setattr(step_times, "LAP_SECONDS", 0.02)
    monkeypatch.setattr(step_times, "PREFETCHED_STEPS", 2)
    found = step_times.step_times(program, 0, 0, {}, feed, repeats=5)
    probe = Probe(8, fits=True, step=found.step, compute=found.compute, input=found.input)
    return found, probe


@pytest.mark.parametrize("slow", ["read", "stack", "transfer"])
def test_the_part_of_the_input_that_is_slow_is_the_bottleneck(monkeypatch, slow):
    program = SlowProgram(INPUT if slow == "transfer" else 0.0)
    feed = SlowFeed(**{slow: INPUT} if slow != "transfer" else {})
    found, probe = timed(monkeypatch, program, feed)
    assert probe.bottleneck == slow
    assert getattr(found.input, slow) >= 0.99 * INPUT
    assert found.step.median >= 0.99 * (INPUT + COMPUTE)
    assert found.compute.median >= 0.99 * COMPUTE


def test_without_a_slow_input_it_is_the_computation(monkeypatch):
    _, probe = timed(monkeypatch, SlowProgram(), SlowFeed())
    assert probe.bottleneck == "compute"


def test_as_many_laps_are_timed_as_asked_for_and_few_programs_are_compiled(monkeypatch):
    program = SlowProgram()
    found, _ = timed(monkeypatch, program, SlowFeed())
    assert found.step.repeats == found.compute.repeats == 5
    assert found.step.lower <= found.step.median <= found.step.upper
    assert len(program.lengths) <= 2


def test_a_piece_is_no_longer_than_the_feed_gives(monkeypatch):
    feed = SlowFeed()
    feed.most_steps = 4
    program = SlowProgram()
    timed(monkeypatch, program, feed)
    assert max(program.lengths) <= 4


def test_what_was_read_ahead_is_used_up():
    feed = SlowFeed()
    asked = []
    feed.next = asked.append
    TimedInput(feed, SlowProgram()).drain()
    assert sum(asked) == step_times.PREFETCHED_STEPS
