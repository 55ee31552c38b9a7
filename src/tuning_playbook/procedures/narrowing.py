"""Ranges narrowed to where the better trials of a round lie, for a closer look at that region."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import Floats, ranked
from tuning_playbook.procedures.changes import Change, SearchedRange
from tuning_playbook.study.yaml import Location

BETTER = 0.25
"""Share of an arm's feasible trials that are its better ones."""

LEAST_BETTER = 4
"""So few better trials span next to nothing of a range by chance alone."""

LEAST_TRIALS = 8
"""With fewer feasible trials of an arm its ranges stay as they are."""

MARGIN = 0.1
"""Of the range, beyond the better trials on either side."""

WORTH_IT = 0.8
"""A range of which more than so much would be left stays as it is."""


def narrow(
    ranges: Sequence[SearchedRange], dataset: xr.Dataset, moved: set[Location]
) -> Iterator[Change]:
    """Yield the changes that narrow ranges to where the better quarter of the trials lie.

    A range that several arms share holds the better trials of each. A choice stays, and so does a
    range of which some end is changed already.

    Source: playbook, "After exploration concludes": the search goes on in a smaller space.

    Args:
        ranges: What is searched, with the arms that go on.
        dataset: The trials.
        moved: The places of the spec that other changes are about.
    """
    for item in ranges:
        drawn = item.distribution
        if (
            drawn.kind == "choice"
            or not item.arms
            or any(place[: len(item.location)] == item.location for place in moved)
        ):
            continue
        found = [_better_positions(item, dataset, arm) for arm in item.arms]
        if not all(len(positions) for positions in found):
            continue
        low = max(0.0, min(positions.min() for positions in found) - MARGIN)
        high = min(1.0, max(positions.max() for positions in found) + MARGIN)
        if high - low > WORTH_IT:
            continue
        ends = [_value_at(item, low), _value_at(item, high)]
        if ends[0] >= ends[1]:
            continue
        yield Change(
            "answer",
            f"the better quarter of the trials has {item.searched_name} between {text(ends[0])} "
            f"and {text(ends[1])}, with a tenth of the range to either side.",
            (((*item.location, drawn.kind), ends),),
        )


def _better_positions(item: SearchedRange, dataset: xr.Dataset, arm: str) -> Floats:
    """Return where in its range the better trials of an arm lie, from 0 to 1; none if too few."""
    values = dataset[f"hp_{item.searched_name}"].values
    trials = ranked(dataset, arm)
    trials = trials[np.isfinite(values[trials].astype(float))]
    if len(trials) < LEAST_TRIALS:
        return np.empty(0)
    better = trials[: max(LEAST_BETTER, math.ceil(BETTER * len(trials)))]
    values = values[better].astype(float)
    low, high = float(item.distribution.low), float(item.distribution.high)
    if item.distribution.scale == "log":
        values, low, high = np.log(values), math.log(low), math.log(high)
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))


def _value_at(item: SearchedRange, position: float) -> int | float:
    low, high = float(item.distribution.low), float(item.distribution.high)
    if item.distribution.scale == "log":
        value = low * (high / low) ** position
    else:
        value = low + position * (high - low)
    return round(value) if item.distribution.integer else float(f"{value:.4g}")
