"""Trials that a command measured at steps of their own, in a dataset whose trials share steps.

Our own engine evaluates at the steps that the spec says; a command measures when it does. The
dataset has every step at which any of its trials was measured.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.trials.record import Curves, TrialRecord
from tuning_playbook.trials.trial import Trial

if TYPE_CHECKING:
    from tuning_playbook.trials.record import Numbers


def all_steps(records: Iterable[TrialRecord], longest: Trial) -> np.ndarray:
    """Return every step at which one of some trials was measured, rising.

    Args:
        records: The records of the trials.
        longest: The longest of them: where none was measured, its steps are those of the spec.
    """
    steps = sorted({int(step) for record in records for step in _known(record.evaluations)})
    return np.array(steps, np.int64) if steps else evaluation_steps(longest)


def places_in(
    steps: "Numbers", shared: np.ndarray
) -> tuple[slice | np.ndarray, slice | np.ndarray]:
    """Return which of a trial's steps a dataset has, and their places among those of the dataset.

    Args:
        steps: Of the trial, rising.
        shared: Of the dataset, rising.
    """
    own = np.asarray(steps, np.int64)
    size = min(len(own), len(shared))
    if np.array_equal(own[:size], shared[:size]):  # the usual case, and a quick one
        return slice(size), slice(size)
    _, kept, places = np.intersect1d(own, shared, assume_unique=True, return_indices=True)
    return kept, places


def at_steps(values: np.ndarray, steps: "Numbers", shared: np.ndarray) -> np.ndarray:
    """Return the values of a trial at the steps of a dataset, [steps]; NaN where it has none."""
    kept, places = places_in(steps, shared)
    found = np.full(len(shared), np.nan, values.dtype)
    found[places] = values[kept]
    return found


def measured_alone(evaluations: Curves) -> Curves:
    """Return the evaluations of a trial at its own steps: those with any value.

    One that has none anywhere has step 0, without a value: no file of a pack holds a curve without
    steps, and which metrics there are would be lost.
    """
    steps = np.asarray(evaluations.steps, np.int64)
    own = _known(evaluations)
    if not len(own):
        nothing = {name: np.array([np.nan]) for name in evaluations.values}
        return Curves(np.array([0], np.int64), nothing)
    kept = np.isin(steps, own)
    return Curves(
        own, {name: np.asarray(values)[kept] for name, values in evaluations.values.items()}
    )


def _known(evaluations: Curves) -> np.ndarray:
    """Return the steps at which anything was measured."""
    known = np.zeros(len(evaluations.steps), bool)
    for values in evaluations.values.values():
        known |= np.isfinite(np.asarray(values, np.float64))
    return np.asarray(evaluations.steps, np.int64)[known]
