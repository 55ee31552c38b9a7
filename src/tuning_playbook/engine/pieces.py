"""The pieces in which a training is handed to the device, one ahead of what the host looks at.

An interval between evaluations is one piece, unless it would take so long that a kill or a signal
to stop loses more than it may. Where the cuts fall changes no number. But each length is a program
of its own to compile, so there are to be few.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from tuning_playbook.engine.program import Metrics, Program, Steps, TrainState

PIECE_SECONDS = 8.0
"""What a piece is meant to take at most. Between SIGTERM and SIGKILL a scheduler leaves some 30 s:
enough for the piece that is computed, the one behind it, and saving the state."""

KEPT_SECONDS = (2.0, 10.0)
"""While pieces take so long, their length is kept: the pace of a shared machine comes and goes."""

FEWEST_STEPS = 2
"""A scan of one step is no loop to the compiler, which may then order sums in another way."""

BACKWARD_COST = 3.0
"""A training step costs about three times the evaluation of as many examples."""


@dataclass(frozen=True)
class Piece:
    """Some steps that the device was told to take, and the evaluation after them if there is one.

    Attributes:
        first: Steps taken before.
        last: Steps taken after.
        state: The state after.
        logged: What is logged of each step.
        variables: What is evaluated after them; None where no evaluation follows.
        metrics: What the evaluation gives; None likewise.
        outputs: The predictions of every evaluated split, where a metric is of a whole split.
    """

    first: int
    last: int
    state: TrainState
    logged: Steps
    variables: Any
    metrics: Metrics | None
    outputs: Mapping[str, Any]


def one_ahead(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield each piece after the next one was handed to the device.

    The device has work while the host looks at results.
    """
    before: Piece | None = None
    for piece in pieces:
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


@dataclass
class Pace:
    """How long a step takes, as far as is known.

    Attributes:
        seconds: Of one step of all lanes; 0 where nothing is known yet.
    """

    seconds: float = 0.0
    _clock: float = 0.0
    _parts: int = 0

    def begin(self, compile_seconds: float) -> None:
        """Start the clock, from which the program's compile seconds are left out."""
        self._clock = time.perf_counter() - compile_seconds

    def evaluated(self, program: Program) -> None:
        """Guess from the evaluation before the first step, which has just ended."""
        taken = time.perf_counter() - program.compile_seconds - self._clock
        weights = jax.tree.leaves([weight for _, weight in program.data.evaluated.values()])
        examples = sum(weight.size for weight in weights)
        self.seconds = BACKWARD_COST * taken * program.trial.step_examples / examples

    def trained(self, steps: int, compile_seconds: float) -> None:
        """Take note of steps whose results have just arrived."""
        now = time.perf_counter() - compile_seconds
        self.seconds, self._clock = (now - self._clock) / steps, now

    def steps(self, step: int, before: int, after: int, most: int) -> int:
        """Return how many steps the next piece takes.

        The interval is cut into equal parts, and their number is a power of two. So a cut into few
        parts is one into many parts, too, and the lengths stay few where the pace changes.

        Args:
            step: Steps already taken; in the interval, or at its beginning.
            before: The evaluation that the interval begins with.
            after: The one that it ends with.
            most: Steps that a piece may have for other reasons.
        """
        interval = after - before
        if not self._keeps(interval, most):
            affordable = min(float(most), PIECE_SECONDS / self.seconds if self.seconds else most)
            parts = 1
            while _longest(interval, parts) > affordable and _divisible(interval, parts):
                parts *= 2
            self._parts = parts
        parts = self._parts
        while step not in _cuts(before, after, parts) and _divisible(interval, parts):
            parts *= 2
        cuts = _cuts(before, after, parts)
        return next(cut for cut in cuts if cut - step >= FEWEST_STEPS or cut == after) - step

    def _keeps(self, interval: int, most: int) -> bool:
        """Return whether as many parts as last time will do."""
        if not self._parts:
            return False
        longest = _longest(interval, self._parts)
        shortest_seconds, longest_seconds = KEPT_SECONDS
        seconds = longest * self.seconds
        long_enough = self._parts == 1 or seconds >= shortest_seconds
        return longest <= most and long_enough and seconds <= longest_seconds


def _cuts(before: int, after: int, parts: int) -> list[int]:
    return [before + (after - before) * part // parts for part in range(parts + 1)]


def _longest(interval: int, parts: int) -> int:
    return -(-interval // parts)


def _divisible(interval: int, parts: int) -> bool:
    """Return whether each of some equal parts may be halved."""
    return interval // (2 * parts) >= FEWEST_STEPS
