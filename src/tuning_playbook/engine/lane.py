"""One trial during training: its numbers so far, and the variables of its best steps."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from tuning_playbook.engine.program import Steps
from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.trials.record import EVALUATED_SPLITS
from tuning_playbook.trials.trial import Trial


@dataclass
class Lane:
    """One trial during training.

    Attributes:
        trial: The trial.
        metrics: Metrics by name, [evaluations, splits]; NaN where there is none yet.
        steps: Values logged at every step, by name, [max_train_steps]; NaN where there is none yet.
        keep: How many of the best evaluations are kept.
        bound: A training loss above it counts as divergence.
        diverged_at: The step at which it diverged; -1 while it has not.
        reason: Why it diverged.
        best: The best evaluations: (score, smaller is better; step; variables).
    """

    trial: Trial
    metrics: dict[str, np.ndarray]
    steps: dict[str, np.ndarray]
    keep: int
    bound: float = math.inf
    diverged_at: int = -1
    reason: str = ""
    best: list[tuple[float, int, Any]] = field(default_factory=list)

    @property
    def diverged(self) -> bool:
        """Return whether the trial has diverged, so that later steps do not count."""
        return self.diverged_at >= 0

    def diverge(self, step: int, reason: str) -> None:
        """Record divergence at a step, with its reason; later steps do not count."""
        self.diverged_at, self.reason = step, reason

    def keep_if_best(self, score: float, step: int, take: Callable[[], Any]) -> None:
        """Keep an evaluation's variables if its score is among the best.

        Args:
            score: Smaller is better; of equal scores the earlier one wins.
            step: The step of the evaluation.
            take: Returns the variables.
        """
        full = len(self.best) == self.keep
        if not math.isfinite(score) or (full and self.best[-1][:2] < (score, step)):
            return
        ranked = sorted([*self.best, (score, step, take())], key=lambda item: item[:2])
        self.best = ranked[: self.keep]


def new_lane(trial: Trial, metrics: Iterable[str], keep: int) -> Lane:
    """Return a lane for a trial that has not begun."""
    empty = (len(evaluation_steps(trial)), len(EVALUATED_SPLITS))
    return Lane(
        trial,
        {name: np.full(empty, np.nan, np.float32) for name in metrics},
        {name: np.full(trial.max_train_steps, np.nan, np.float32) for name in Steps._fields},
        keep,
    )


def lane_of(tree: Any, index: int, width: int) -> Any:
    """Return one lane of a tree, whose leaves have a lane axis if `width` is above one."""
    return tree if width == 1 else jax.tree.map(lambda leaf: leaf[index], tree)


def device_lane(tree: Any, index: int, width: int) -> Any:
    """Return one lane of a tree on the device, with one call for all its leaves."""
    return tree if width == 1 else _take(tree, np.int32(index))


@jax.jit
def _take(tree: Any, index: jax.Array) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)
