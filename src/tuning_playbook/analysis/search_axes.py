"""The hyperparameters that an arm's trials were searched over, as columns of numbers."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.axis import Axis, choice_axis, range_axis
from tuning_playbook.analysis.ranking import Floats, Indices
from tuning_playbook.analysis.sampling_scale import choice_place, sampling_scale, values_tried
from tuning_playbook.dataset.searched import Searched, read_searched


def search_axes(study: xr.Dataset, arm: str, trials: Indices) -> dict[str, Axis]:
    """Return the hyperparameters that varied in the trials of an arm, by name."""
    found = {}
    for searched in read_searched(study):
        axis = _axis(study, searched, trials) if arm in searched.arms else None
        if axis is not None:
            found[searched.name] = axis
    return found


def in_some_trials(study: xr.Dataset, arm: str, trials: Indices) -> dict[str, NDArray[np.bool_]]:
    """Return the hyperparameters that some of the trials lack, and which have them: [trial].

    As momentum exists only where an optimizer was drawn that has one.
    """
    found = {}
    for searched in read_searched(study):
        if arm in searched.arms:
            has = np.isfinite(_places(study, searched, trials))
            if not has.all():
                found[searched.name] = has
    return found


def _axis(study: xr.Dataset, searched: Searched, trials: Indices) -> Axis | None:
    places = _places(study, searched, trials)
    if not len(places) or not np.isfinite(places).all() or not np.ptp(places) > 0:
        return None
    if sampling_scale(study, searched) is not None:
        return range_axis(places)
    return choice_axis((places[:, None] == np.unique(places)).astype(float))


def _places(study: xr.Dataset, searched: Searched, trials: Indices) -> Floats:
    """Return where the value of each trial lies: in its range, or which of the choices it is.

    Returns:
        [trial]; NaN where a trial has none.
    """
    scale = sampling_scale(study, searched)
    values = study[searched.variable].values[trials]
    if scale is not None:
        return scale.position(values.astype(float))
    choices = values_tried(study, searched)
    places: list[Any] = [choice_place(value, choices) for value in values]
    return np.array(places, dtype=float)  # None becomes NaN
