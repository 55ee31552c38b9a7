"""The record of a finished trial: its measurements, and how it ended.

The engine writes records, readers of other tools' logs make them, and the dataset is collected from
them. Nothing here needs NumPy, because a study of finished trials is read whenever it is planned.
"""

import functools
import hashlib
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

    Numbers = Sequence[float] | np.ndarray
    """One number per step, [steps]; the engine's are float32 arrays."""

Status = Literal["completed", "diverged", "failed"]

EVALUATED_SPLITS = ("train", "validation")
"""No trial evaluates the test split: it is read once, at the end, on purpose."""


@dataclass(frozen=True)
class Curves:
    """Measurements of one trial at some of its steps.

    Attributes:
        steps: Training steps before each measurement, rising.
        values: One number per step, by name; NaN where nothing was measured.
    """

    steps: "Numbers"
    values: Mapping[str, "Numbers"]


NO_CURVES = Curves((), {})


@dataclass(frozen=True)
class GradientSummary:
    """The gradient norms of a whole run.

    Attributes:
        counts: Steps whose norm lies in each bin of `engine.windows.NORM_EDGES`; norms outside the
            edges count in the outermost bins. p90: The 90th percentile; NaN if no step was logged.
    """

    counts: "Sequence[int] | np.ndarray"
    p90: float
    clipped_share: float


@dataclass(frozen=True)
class TrialRecord:
    """The record of a finished trial: the same trial always has the same numbers.

    Attributes:
        fingerprint: The trial's fingerprint; empty if it follows from the numbers (`sources`).
        status: How it ended.
        reason: Why it is infeasible; empty for a completed trial.
        evaluations: Its metrics by `<split>/<name>`, of the train and the validation split; NaN
            from divergence on.
        logged: Values logged while it trained, by the dataset's names (`train_loss`, ...).
        gradient: The gradient norms of every step; None if only `logged` has them.
    """

    fingerprint: str
    status: Status
    reason: str
    evaluations: Curves
    logged: Curves
    gradient: GradientSummary | None = None

    @functools.cached_property
    def sha256(self) -> str:
        """Return the hash of all measurements, whatever type holds the numbers."""
        state = hashlib.sha256()
        for part in self._parts():
            state.update(len(part).to_bytes(8, "little") + part)
        return state.hexdigest()

    def _parts(self) -> Iterator[bytes]:
        yield self.status.encode()
        yield self.reason.encode()
        for curves in (self.evaluations, self.logged):
            yield _bytes(curves.steps)
            for name in sorted(curves.values):
                yield name.encode()
                yield _bytes(curves.values[name])
        if self.gradient is not None:
            yield _bytes(self.gradient.counts)
            yield _bytes((self.gradient.p90, self.gradient.clipped_share))


def _bytes(numbers: "Numbers") -> bytes:
    """Return numbers as float64 bytes, with one kind of NaN, whatever type holds them."""
    if isinstance(numbers, Sequence):
        plain = array("d", numbers)
        if any(map(math.isnan, plain)):
            plain = array("d", [math.nan if math.isnan(item) else item for item in plain])
        return plain.tobytes()
    import numpy as np  # noqa: PLC0415 - code with an array has NumPy

    wide = numbers.astype(np.float64)
    wide[np.isnan(wide)] = np.nan
    return wide.tobytes()
