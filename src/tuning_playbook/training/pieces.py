"""The pieces in which a training is handed to the device, one ahead of what the host looks at.

An interval between evaluations is one piece, unless it would take so long that a kill or a signal
to stop loses more than it may. Where the cuts fall changes no number.
"""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jax

from tuning_playbook.training.program import Metrics, Program, Steps, TrainState

PIECE_SECONDS = 8.0
"""What a piece may take. Between SIGTERM and SIGKILL a scheduler leaves some 30 s: enough for the
piece that is computed, the one behind it, and saving the state."""

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
    """

    first: int
    last: int
    state: TrainState
    logged: Steps
    variables: Any
    metrics: Metrics | None


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

    def begin(self, compile_seconds: float) -> None:
        """Start the clock, from which the program's compile seconds are left out."""
        self._clock = time.perf_counter() - compile_seconds

    def evaluated(self, program: Program) -> None:
        """Guess from the evaluation before the first step, which has just ended."""
        taken = time.perf_counter() - program.compile_seconds - self._clock
        weights = jax.tree.leaves([weight for _, weight in program.data.evaluated.values()])
        examples = sum(weight.size for weight in weights)
        self.seconds = BACKWARD_COST * taken * program.trial.batch_size / examples

    def trained(self, steps: int, compile_seconds: float) -> None:
        """Take note of steps whose results have just arrived."""
        now = time.perf_counter() - compile_seconds
        self.seconds, self._clock = (now - self._clock) / steps, now

    def steps(self, left: int, most: int) -> int:
        """Return how many steps the next piece takes.

        Args:
            left: Steps to the next evaluation.
            most: What a piece may have for other reasons.

        Returns:
            All of them, or a power of two, so that few lengths are ever compiled.
        """
        affordable = min(float(most), PIECE_SECONDS / self.seconds if self.seconds > 0 else most)
        if left <= affordable:
            return left
        steps = max(FEWEST_STEPS, 2 ** int(math.log2(max(affordable, 1.0))))
        return left if left < steps + FEWEST_STEPS else steps
