"""The pieces in which a training is handed to the device, one ahead of what the host looks at.

An interval between evaluations is one piece, unless a kill or a stop signal would then lose too
much work. The cuts change no number. But each length needs its own compiled program, so there
should be few lengths.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from tuning_playbook.engine.program import Metrics, Program, Steps, TrainState

PIECE_SECONDS = 8.0
"""Most seconds that a piece should take. A scheduler leaves some 30 s between SIGTERM and SIGKILL:
enough for the current piece, the next one, and saving the state."""

KEPT_SECONDS = (2.0, 10.0)
"""A piece's length is kept if it takes between these: a shared machine's speed varies."""

FEWEST_STEPS = 2
"""The compiler removes the loop of a one-step scan, and may then order sums differently."""

BACKWARD_COST = 3.0
"""A training step costs about three times the evaluation of the same number of examples."""


@dataclass(frozen=True)
class Piece:
    """Some steps that the device was told to take, and the evaluation after them, if any.

    Attributes:
        first: Steps taken before.
        last: Steps taken after.
        state: The state after.
        logged: The logged values of each step.
        variables: The variables to evaluate after them; None if no evaluation follows.
        metrics: The evaluation's metrics; None if no evaluation follows.
        outputs: The predictions of every evaluated split, if a metric is of a whole split.
    """

    first: int
    last: int
    state: TrainState
    logged: Steps
    variables: Any
    metrics: Metrics | None
    outputs: Mapping[str, Any]


def one_ahead(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield each piece after the next one has been handed to the device.

    So the device has work while the host looks at results.
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
    """The time of a step, if it is known.

    Attributes:
        seconds: The time of one step of all lanes; 0 if it is not known yet.
    """

    seconds: float = 0.0
    _clock: float = 0.0
    _parts: int = 0

    def begin(self, compile_seconds: float) -> None:
        """Start the clock; the program's compile time is subtracted."""
        self._clock = time.perf_counter() - compile_seconds

    def evaluated(self, program: Program) -> None:
        """Estimate from the evaluation before the first step, which has just ended."""
        taken = time.perf_counter() - program.compile_seconds - self._clock
        weights = jax.tree.leaves([weight for _, weight in program.data.evaluated.values()])
        examples = sum(weight.size for weight in weights)
        self.seconds = BACKWARD_COST * taken * program.trial.step_examples / examples

    def trained(self, steps: int, compile_seconds: float) -> None:
        """Record steps whose results have just arrived."""
        now = time.perf_counter() - compile_seconds
        self.seconds, self._clock = (now - self._clock) / steps, now

    def steps(self, step: int, before: int, after: int, most: int) -> int:
        """Return the number of steps in the next piece.

        The interval is cut into equal parts, and their number is a power of two. So every cut into
        few parts is also a cut into many parts, and there are few lengths even if the pace changes.

        Args:
            step: Steps already taken: within the interval, or at its start.
            before: The step of the evaluation at the start of the interval.
            after: The step of the evaluation at its end.
            most: Most steps of a piece for other reasons.
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
        """Return whether the same number of parts as last time is suitable."""
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
    """Return whether each of these equal parts can be halved."""
    return interval // (2 * parts) >= FEWEST_STEPS
