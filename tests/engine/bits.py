"""Whether two trials have the same numbers to the bit."""

from collections.abc import Mapping

import numpy as np

from tuning_playbook.trials.record import TrialRecord


def arrays_of(record: TrialRecord) -> Mapping[str, np.ndarray]:
    """Return everything that was measured of a trial, by name."""
    evaluations = {name: np.asarray(v) for name, v in record.evaluations.values.items()}
    logged = {name: np.asarray(v) for name, v in record.logged.values.items()}
    return {**evaluations, **logged, "counts": np.asarray(record.gradient.counts)}


def differing(one: TrialRecord, other: TrialRecord) -> list[str]:
    """Return the names of the numbers that differ in any bit."""
    mine, theirs = arrays_of(one), arrays_of(other)
    names = mine.keys() | theirs.keys()
    shared = mine.keys() & theirs.keys()
    return sorted(
        name
        for name in names
        if name not in shared
        or mine[name].shape != theirs[name].shape
        or mine[name].astype("=f8").tobytes() != theirs[name].astype("=f8").tobytes()
    )
