"""The hyperparameters that an arm's trials were searched over, as columns of numbers."""

from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.axis import Axis, choice_axis, range_axis
from tuning_playbook.analysis.ranking import Indices
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


def _axis(study: xr.Dataset, searched: Searched, trials: Indices) -> Axis | None:
    scale = sampling_scale(study, searched)
    values = study[searched.variable].values[trials]
    if scale is None:
        return _choice(study, searched, values)
    positions = scale.position(values.astype(float))
    varied = len(positions) and np.isfinite(positions).all() and np.ptp(positions) > 0
    return range_axis(positions) if varied else None


def _choice(study: xr.Dataset, searched: Searched, values: Any) -> Axis | None:
    choices = values_tried(study, searched)
    places = [choice_place(value, choices) for value in values]
    taken = sorted({place for place in places if place is not None})
    if len(taken) < 2 or None in places:
        return None
    return choice_axis((np.array(places)[:, None] == np.array(taken)).astype(float))
