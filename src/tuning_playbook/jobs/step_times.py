"""How long a step of a compiled program takes: with training's input, and with a resident batch.

The two are timed alternately, so that a change in the machine's speed affects both. Every lap is
some steps, dispatched one lap ahead as in training, so that the host prepares the input of a lap
while the device computes the lap before.
"""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from tuning_playbook.engine.feed import (
    PREFETCHED_PIECES,
    PREFETCHED_STEPS,
    READING_THREADS,
    Feed,
    HostFeed,
)
from tuning_playbook.engine.input_clock import until_ready
from tuning_playbook.engine.pieces import FEWEST_STEPS
from tuning_playbook.engine.program import Program, TrainState
from tuning_playbook.trials.probe import InputTime, Timing

LAP_SECONDS = 0.2
"""Target seconds of a lap: long compared with a dispatch, short compared with a minute."""

MOST_STEPS = 256
"""Most steps in a call of the compiled program."""

SHORT_STEP = 0.01
"""Seconds. Shorter steps run many per call, as in training: a call costs some 0.1 ms. For longer
ones no further program is compiled."""

TURNS = 3
"""How often each of the two kinds of laps is timed, alternately."""

WARM_UP = 2
"""Laps at the start of a turn that are not timed: they fill the pipeline."""

FEWEST_LAPS = 5
"""Fewest timed laps, however long they take."""

BURST = 4 * READING_THREADS
"""Fewest batches of a lap if reading is slower than the computation. As many batches arrive at once
as threads read, and a shorter lap would wait for all of them or for none."""

TRANSFERS = 2
"""How often the transfer of a call's input is timed in each turn."""

BUDGET_SECONDS = 20.0
"""Seconds after which no further lap of a kind is timed."""

DRAIN_SECONDS = 2.0
"""A read that takes this many seconds shows that nothing is read ahead any more."""


@dataclass
class TimedInput:
    """Feeds laps, and records the cost of their input.

    Attributes:
        feed: Supplies the batches.
        program: Decides where they go.
        read: Seconds spent waiting for examples.
        stack: Seconds spent putting batches together.
        steps: The number of steps fed.
        laps: Seconds of reading and of stacking per step, for each finished lap; the other
            attributes are for the current lap.
        transfers: Seconds that a step's input took to an idle device.
    """

    feed: Feed
    program: Program
    read: float = 0.0
    stack: float = 0.0
    steps: int = 0
    laps: list[tuple[float, float]] = field(default_factory=list)
    transfers: list[float] = field(default_factory=list)

    def next(self, steps: int) -> Any:
        """Return the input of some steps; its transfer to the device has started.

        Nobody waits for the transfer: a CPU moves it once it has finished earlier computations.
        """
        before, started = self._of_host(), time.perf_counter()
        batches = self.feed.next(steps)
        fetched = time.perf_counter()
        stack = self._of_host() - before
        self.stack += stack
        self.read += fetched - started - stack
        self.steps += steps
        return jax.device_put(self.program.spread.feed(batches))

    def time_transfer(self, steps: int) -> None:
        """Time the transfer of some steps' input to the idle device."""
        batches = self.feed.next(steps)
        started = time.perf_counter()
        until_ready(jax.device_put(self.program.spread.feed(batches)))
        self.transfers.append((time.perf_counter() - started) / steps)

    def _of_host(self) -> float:
        """Return the seconds spent on stacking; indices of examples are not stacked."""
        return self.feed.stack_seconds if isinstance(self.feed, HostFeed) else 0.0

    def drain(self) -> None:
        """Use up what was read ahead: it would hide slow reading for a while."""
        most = min(PREFETCHED_STEPS, PREFETCHED_PIECES * self.feed.most_steps)
        started = time.perf_counter()
        for _ in range(most):
            self.feed.next(1)
            if time.perf_counter() - started > DRAIN_SECONDS:
                break

    def lap(self, *, counts: bool) -> None:
        """End a lap: record the cost of a step's input if the lap counts, and start a new lap."""
        if counts:
            self.laps.append((self.read / self.steps, self.stack / self.steps))
        self.read = self.stack = 0.0
        self.steps = 0

    def of_a_step(self) -> InputTime:
        """Return the input cost of a step: the median over the laps, for each part."""
        read, stack = np.median(self.laps, axis=0)
        return InputTime(float(read), float(stack), float(np.median(self.transfers)))


@dataclass
class Laps:
    """Timed laps of one kind, in seconds per step."""

    seconds: list[float] = field(default_factory=list)
    spent: float = 0.0

    def timing(self) -> Timing:
        """Return the median and the quartiles."""
        lower, median, upper = (float(x) for x in np.quantile(self.seconds, [0.25, 0.5, 0.75]))
        return Timing(median, lower, upper, len(self.seconds))


@dataclass(frozen=True)
class StepTimes:
    """How long a step takes.

    Attributes:
        step: Step with training's input.
        compute: Step with a batch that is on the device.
        input: The input's cost on the host.
        steps_per_lap: Steps that were timed together.
    """

    step: Timing
    compute: Timing
    input: InputTime
    steps_per_lap: int


Train = Callable[[TrainState, Any], tuple[TrainState, Any]]
"""Maps a state and the input of some steps to the new state and the logged values."""


def step_times(
    program: Program, state: TrainState, seed: Any, traced: Any, feed: Feed, repeats: int
) -> StepTimes:
    """Time the steps of a program.

    Args:
        program: The program; it is compiled here.
        state: The state at the start of training.
        seed: The trial's seed.
        traced: Its numeric hyperparameters.
        feed: Supplies the steps' input; it must not end.
        repeats: Number of laps of each kind; fewer if they are slow.
    """
    clock = TimedInput(feed, program)

    def train(state: TrainState, fed: Any, steps: int) -> tuple[TrainState, Any]:
        # A schedule gets the same first steps each time, so every lap does the same work.
        after: tuple[TrainState, Any] = program.train(state, 0, steps, seed, traced, fed)
        return after

    steps = FEWEST_STEPS
    at_hand = clock.next(steps)
    until_ready(train(state, at_hand, steps))  # compiles
    computing = _seconds_of(lambda: train(state, at_hand, steps)) / steps
    clock.drain()
    burst = min(BURST, feed.most_steps)
    reading = _seconds_of(lambda: clock.next(burst)) / burst
    slower = max(computing, reading)
    if computing < SHORT_STEP:
        steps = min(_power_of_two(LAP_SECONDS / slower), MOST_STEPS, clock.feed.most_steps)
        at_hand = clock.next(steps)
        until_ready(train(state, at_hand, steps))
        computing = _seconds_of(lambda: train(state, at_hand, steps)) / steps
        slower = max(reading, computing)
    of_a_call = functools.partial(train, steps=steps)
    resident = _Course(of_a_call, steps, _calls(steps * computing))
    bursts = math.ceil(BURST / steps) if reading > computing else 1
    fed = _Course(of_a_call, steps, max(_calls(steps * slower), bursts))
    resident_laps, fed_laps = Laps(), Laps()
    for turn in range(TURNS):
        due = repeats * (turn + 1) // TURNS
        state = resident.run(state, lambda: at_hand, resident_laps, due)
        for _ in range(TRANSFERS):
            clock.time_transfer(steps)
        clock.drain()
        state = fed.run(state, lambda: clock.next(steps), fed_laps, due, clock)
    cost = clock.of_a_step()
    return StepTimes(fed_laps.timing(), resident_laps.timing(), cost, steps * fed.calls)


@dataclass(frozen=True)
class _Course:
    """How a lap is run.

    Attributes:
        train: Trains the steps of a call.
        steps: Steps of a call.
        calls: Calls of a lap.
    """

    train: Train
    steps: int
    calls: int

    def run(
        self,
        state: TrainState,
        supply: Callable[[], Any],
        laps: Laps,
        due: int,
        clock: TimedInput | None = None,
    ) -> TrainState:
        """Time laps until enough are timed or the time is up; return the state after them.

        Args:
            state: The state before the laps.
            supply: Returns the input of a call.
            laps: Receives the times.
            due: The total number of laps to reach.
            clock: Supplies the calls' input, if anything does.
        """
        begun = last = time.perf_counter()
        before: Any = None
        warm_up = WARM_UP
        while len(laps.seconds) < due:
            if len(laps.seconds) >= FEWEST_LAPS and laps.spent + last - begun > BUDGET_SECONDS:
                break
            for _ in range(self.calls):
                state, logged = self.train(state, supply())
                if before is not None:
                    until_ready(before)
                before = logged
            now = time.perf_counter()
            counts = warm_up <= 0
            if counts:
                laps.seconds.append((now - last) / (self.calls * self.steps))
            if clock is not None:
                clock.lap(counts=counts)
            warm_up -= 1
            last = now
        laps.spent += last - begun
        ended: TrainState = until_ready(state)
        return ended


def _seconds_of(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    until_ready(call())
    return time.perf_counter() - started


def _calls(seconds: float) -> int:
    """Return how many calls of this many seconds make a lap."""
    return max(1, round(LAP_SECONDS / seconds))


def _power_of_two(number: float) -> int:
    """Return the largest power of two up to a number; at least the fewest steps of a call."""
    return max(FEWEST_STEPS, 1 << int(math.log2(max(number, 1.0))))
