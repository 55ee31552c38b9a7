"""Ranges narrowed to where the better trials of a round lie, for a closer look at that region."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import ranked
from tuning_playbook.procedures.changes import Change, SearchedRange
from tuning_playbook.procedures.narrowed_range import better_trials, narrowed, place_in
from tuning_playbook.study.yaml import Location


def narrow(
    ranges: Sequence[SearchedRange], dataset: xr.Dataset, moved: set[Location]
) -> Iterator[Change]:
    """Yield the changes that narrow ranges to where the better quarter of the trials lie.

    A range that several arms share keeps the better trials of each. A choice stays, and so does a
    range with an end that is changed already.

    Source: playbook, "After exploration concludes": the search goes on in a smaller space.

    Args:
        ranges: What is searched, with the arms that go on.
        dataset: The trials.
        moved: The places of the spec that other changes edit.
    """
    for item in ranges:
        drawn = item.distribution
        if (
            drawn.kind == "choice"
            or not item.arms
            or any(place[: len(item.location)] == item.location for place in moved)
        ):
            continue
        found = [_better_places(item, dataset, arm) for arm in item.arms]
        if not all(found):
            continue
        ends = narrowed(drawn, [place for places in found for place in places])
        if ends is None:
            continue
        yield Change(
            "answer",
            f"the better quarter of the trials has {item.searched_name} between {text(ends[0])} "
            f"and {text(ends[1])}, with a tenth of the range to either side.",
            (((*item.location, drawn.kind), list(ends)),),
        )


def _better_places(item: SearchedRange, dataset: xr.Dataset, arm: str) -> list[float]:
    """Return the places of an arm's better trials in a range; empty if they are too few."""
    values = dataset[f"hp_{item.searched_name}"].values.astype(float)
    trials = [trial for trial in ranked(dataset, arm) if np.isfinite(values[trial])]
    better = trials[: better_trials(len(trials))]
    return [place_in(item.distribution, float(value)) for value in values[better]]
