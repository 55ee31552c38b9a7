"""The trials of a dataset at their places, and the columns that their values fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tuning_playbook.declarations import Value
from tuning_playbook.trials.trial import Trial


@dataclass(frozen=True)
class Axes:
    """The coordinates of a dataset.

    Attributes:
        eval_step: Training steps before each evaluation, [evaluations].
        train_step: The last step of each window, [windows].
        split: The evaluated splits.
    """

    eval_step: np.ndarray
    train_step: np.ndarray
    split: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A trial at its place in a dataset.

    Attributes:
        index: Its place.
        arm: The name of its arm.
        trial: What was trained.
        searched: The searched values, by their names in the spec.
        extra: Further variables: name to value, or None where it has none.
    """

    index: int
    arm: str
    trial: Trial
    searched: Mapping[str, Value]
    extra: Mapping[str, Value | None] = field(default_factory=dict)


def column(values: Sequence[Value | None]) -> np.ndarray:
    """Return values as an array: numbers with NaN, or texts with "", where there is none."""
    given = [value for value in values if value is not None]
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in given)
    if whole and len(given) == len(values):
        return np.array(values, np.int64)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    texts = ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values]
    return np.array(texts, dtype=object)
