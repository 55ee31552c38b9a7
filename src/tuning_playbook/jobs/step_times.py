"""How long a step of a compiled program takes: fed as training feeds it, and with a batch at hand.

The two are timed in turn, so that a machine that becomes slower or faster meanwhile does so for
both. Every lap is some steps, dispatched one lap ahead as in training, so that the host prepares
the input of a lap while the device computes the lap before.
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
"""What a lap is meant to take: long against a dispatch, short against a minute."""

MOST_STEPS = 256
"""Steps of a call of the compiled program at most."""

SHORT_STEP = 0.01
"""Seconds. Shorter steps are called many at a time, as in training: a call of its own costs some
0.1 ms. For longer ones no further program is compiled."""

TURNS = 3
"""So often each of the two kinds of laps is timed, in turn."""

WARM_UP = 2
"""Laps at the begin of a turn that are not timed: they fill the pipeline."""

FEWEST_LAPS = 5
"""So many laps are timed however long they take."""

BURST = 4 * READING_THREADS
"""Batches of a lap at least where reading is slower than the computation: as many come at once as
there are threads that read, and a lap of fewer would wait for all or for none."""

TRANSFERS = 2
"""So often the transfer of a call's input is timed in each turn."""

BUDGET_SECONDS = 20.0
"""No further lap is timed once so much time is spent on laps of its kind."""

DRAIN_SECONDS = 2.0
"""Reading that takes so long has nothing read ahead any more."""


@dataclass
class TimedInput:
    """Feeds laps, and knows what their input has cost.

    Attributes:
        feed: Gives the batches.
        program: Says where they go.
        read: Seconds spent waiting for examples.
        stack: Seconds spent putting batches together.
        steps: The steps that were fed.
        laps: Seconds of reading and of stacking, for a step of each lap that is over; the rest is
            of this lap.
        transfers: Seconds that a step's input took to a device that had nothing to do.
    """

    feed: Feed
    program: Program
    read: float = 0.0
    stack: float = 0.0
    steps: int = 0
    laps: list[tuple[float, float]] = field(default_factory=list)
    transfers: list[float] = field(default_factory=list)

    def next(self, steps: int) -> Any:
        """Return the input of some steps, on its way to the device.

        Nobody waits for it to arrive: a CPU moves it once it has computed what came before.
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
        """Time how long the input of some steps takes to the device, which has nothing to do."""
        batches = self.feed.next(steps)
        started = time.perf_counter()
        until_ready(jax.device_put(self.program.spread.feed(batches)))
        self.transfers.append((time.perf_counter() - started) / steps)

    def _of_host(self) -> float:
        """Return what stacking has cost; numbers of examples are not stacked."""
        return self.feed.stack_seconds if isinstance(self.feed, HostFeed) else 0.0

    def drain(self) -> None:
        """Use up what was read ahead, which would hide for a while that reading is slow."""
        most = min(PREFETCHED_STEPS, PREFETCHED_PIECES * self.feed.most_steps)
        started = time.perf_counter()
        for _ in range(most):
            self.feed.next(1)
            if time.perf_counter() - started > DRAIN_SECONDS:
                break

    def lap(self, *, counts: bool) -> None:
        """End a lap: note what the input of a step cost in it, if it counts, and begin anew."""
        if counts:
            self.laps.append((self.read / self.steps, self.stack / self.steps))
        self.read = self.stack = 0.0
        self.steps = 0

    def of_a_step(self) -> InputTime:
        """Return what the input of a step cost: the median of the laps, part by part."""
        read, stack = np.median(self.laps, axis=0)
        return InputTime(float(read), float(stack), float(np.median(self.transfers)))


@dataclass
class Laps:
    """Timed laps of one kind, in seconds a step."""

    seconds: list[float] = field(default_factory=list)
    spent: float = 0.0

    def timing(self) -> Timing:
        """Return the median and the quartiles."""
        lower, median, upper = (float(x) for x in np.quantile(self.seconds, [0.25, 0.5, 0.75]))
        return Timing(median, lower, upper, len(self.seconds))


@dataclass(frozen=True)
class StepTimes:
    """What a step takes.

    Attributes:
        step: Fed as training feeds it.
        compute: With a batch that is on the device.
        input: What the input costs the host.
        steps_per_lap: Steps that were timed together.
    """

    step: Timing
    compute: Timing
    input: InputTime
    steps_per_lap: int


Train = Callable[[TrainState, Any], tuple[TrainState, Any]]
"""From a state and the input of some steps to the state after them and what is logged of each."""


def step_times(
    program: Program, state: TrainState, seed: Any, traced: Any, feed: Feed, repeats: int
) -> StepTimes:
    """Time the steps of a program.

    Args:
        program: It; what it compiles is compiled here.
        state: Where training begins.
        seed: Of the trial.
        traced: Its numeric hyperparameters.
        feed: What its steps are fed; it must not end.
        repeats: Laps of each kind; fewer where they are slow.
    """
    clock = TimedInput(feed, program)

    def train(state: TrainState, fed: Any, steps: int) -> tuple[TrainState, Any]:
        # A schedule is asked for its first steps again and again: the same work in every lap.
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
    """What a lap is.

    Attributes:
        train: Trains the steps of a call.
        steps: Of a call.
        calls: Of a lap.
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
        """Time laps until so many are timed or the time is spent; return the state after them.

        Args:
            state: Where they begin.
            supply: Gives the input of a call.
            laps: Where the times go.
            due: How many laps are to be timed in the end.
            clock: What feeds the calls, if anything does.
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
    """Return how many calls that take so long make a lap."""
    return max(1, round(LAP_SECONDS / seconds))


def _power_of_two(number: float) -> int:
    """Return the largest power of two that is no larger; at least the fewest steps of a call."""
    return max(FEWEST_STEPS, 1 << int(math.log2(max(number, 1.0))))
