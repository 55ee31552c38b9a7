"""Which trials broke down: they diverged, failed, or hardly trained."""

import warnings

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.ranking import (
    Floats,
    curves,
    eval_fractions,
    members,
    metric_losses,
    objective_split,
)

LEAST_GAIN = 0.1
"""A trial that gained less than this share of what the best of its arm gained from the start did
not train: the playbook's "uncharacteristically high values of the loss"."""

EARLY = 0.25
NOTHING = 0.01
"""A trial that improves by less than this share of the best one's gain after so early a part of
training is stuck."""

LEAST_STUCK = 3
LEAST_SHARE = 0.05
"""This many trials of an arm, and such a share of it, are stuck at one level before that is what
every model reaches that does not train: another model may be as bad as one by accident."""


def broken_down(study: xr.Dataset, arm: str) -> NDArray[np.bool_]:
    """Return which trials of an arm broke down, in the order of `members`.

    Those did that are infeasible; that gained less than a tenth of what the best trial of the arm
    gained from the start; and that are no better than chance. A loss can start far above chance, so
    chance is looked for among the trials: a level that is worse than the best trial by at least a
    tenth of its gain, which at least three trials and one in twenty come within a hundredth of, and
    stay at after a quarter of training.

    Without evaluations before the first step only the infeasible ones are known.

    Returns:
        [trial of the arm]
    """
    trials = members(study, arm)
    loss = metric_losses(study)[trials]
    curve = curves(study, objective_split(study))[trials]
    start = curve[:, 0] if start_is_known(study) else np.full(len(trials), np.nan)
    early = np.where(eval_fractions(study)[trials] <= EARLY, curve, np.nan)
    with warnings.catch_warnings():
        # A trial may have ended before, or have no evaluation so early.
        warnings.simplefilter("ignore", RuntimeWarning)
        reached = np.nanmin(early, axis=1) if early.shape[1] else np.full(len(trials), np.nan)
    return did_not_train(loss, start, reached)


def start_is_known(study: xr.Dataset) -> bool:
    """Whether trials were evaluated before their first step."""
    return bool("eval_step" in study and study["eval_step"].values[0] == 0)


def did_not_train(loss: Floats, start: Floats, early: Floats) -> NDArray[np.bool_]:
    """Return which of an arm's trials broke down; only the infeasible ones where no start is known.

    Args:
        loss: Of each trial, NaN where it is infeasible: [trial].
        start: The same before training, NaN where it is not known: [trial].
        early: What it had reached after `EARLY` of training, likewise: [trial].

    Returns:
        [trial]
    """
    lost = np.isnan(loss)
    start = start[np.isfinite(start)]
    if not len(start) or lost.all():
        return np.asarray(lost)
    best = float(np.nanmin(loss))
    gain = float(np.median(start)) - best
    if gain <= 0:
        return np.asarray(lost)
    with np.errstate(invalid="ignore"):
        worse = loss - best >= LEAST_GAIN * gain
        stuck = worse & (early - loss <= NOTHING * gain)
    hardly = loss - best > (1 - LEAST_GAIN) * gain
    chance = _level(loss[stuck], NOTHING * gain, max(LEAST_STUCK, LEAST_SHARE * len(loss)))
    with np.errstate(invalid="ignore"):
        return np.asarray(lost | hardly | (loss >= chance))


def _level(loss: Floats, room: float, many: float) -> float:
    """Return the smallest loss that this many lie within some room of; infinite without one."""
    ordered = np.sort(loss)
    above = np.searchsorted(ordered, ordered + room, side="right")
    below = np.searchsorted(ordered, ordered - room, side="left")
    dense = ordered[above - below >= many]
    return float(dense[0]) if len(dense) else np.inf
