"""The part of a search space in which the better trials lie. On arrays alone.

Source: playbook, "Identifying bad search space boundaries": a space is to be judged where good
trials are. That importance is to be asked there too: S. Watanabe et al., "PED-ANOVA: efficiently
quantifying hyperparameter importance in arbitrary subspaces", 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.analysis.axis import Axis, choice_axis, range_axis
from tuning_playbook.analysis.ranking import Floats, Indices

CUT = 0.05
"""How seldom, if good trials lay anywhere, this many trials would lie beyond an end that is cut."""


@dataclass(frozen=True)
class GoodRegion:
    """A box in a search space.

    Attributes:
        ends: The positions between which each range lies, in [0, 1], by name.
        kept: The columns that are left of each choice, by name.
        cut: What the box leaves less of than was searched.
        trials: The trials inside, by their places.
        axes: Their values, 0 and 1 at the ends of the box, of what still varies in it.
    """

    ends: Mapping[str, tuple[float, float]]
    kept: Mapping[str, Indices]
    cut: frozenset[str]
    trials: Indices
    axes: Mapping[str, Axis]


def good_region(axes: Mapping[str, Axis], loss: Floats, share: float) -> GoodRegion:
    """Return the box in which a share of the trials lies, the best ones, with every trial inside.

    An end of a range is cut off where significantly many trials lie beyond the best ones, a value
    of a choice where that many have it and none of the best ones. The trials are those that lie
    inside, good or bad. Only a trial that defines the box, by lying at a cut alone, is left out: it
    is there for being good.

    Args:
        axes: What was searched, by name.
        loss: Of each trial, smaller being better: [trial].
        share: Of the trials, that are the best ones.
    """
    best = loss <= np.sort(loss)[max(1, round(share * len(loss))) - 1]
    inside = np.ones(len(loss), bool)
    defining = np.zeros(len(loss), bool)
    ends: dict[str, tuple[float, float]] = {}
    kept: dict[str, Indices] = {}
    for name, axis in axes.items():
        if axis.columns.shape[1] > 1:
            kept[name] = np.flatnonzero(
                [chosen[best].any() or not _many(chosen, best) for chosen in axis.columns.T > 0]
            )
            inside &= axis.columns[:, kept[name]].any(axis=1)
            continue
        positions = axis.columns[:, 0]
        first, last = float(positions[best].min()), float(positions[best].max())
        low = first if _many(positions < first, best) else 0.0
        high = last if _many(positions > last, best) else 1.0
        ends[name] = (low, high)
        inside &= (positions >= low) & (positions <= high)
        for end in (low, high):
            at_end = positions == end
            # Several on one value of a grid do not define it.
            defining |= at_end & (at_end.sum() == 1) & (0 < end < 1)
    trials = np.flatnonzero(inside & ~defining)
    cut = {name for name, at in ends.items() if at != (0.0, 1.0)}
    cut |= {name for name, columns in kept.items() if len(columns) < axes[name].columns.shape[1]}
    return GoodRegion(ends, kept, frozenset(cut), trials, _axes(axes, ends, kept, trials))


def _many(beyond: NDArray[np.bool_], best: NDArray[np.bool_]) -> bool:
    """Whether significantly many trials lie where none of the best ones does."""
    return bool((1 - best.mean()) ** beyond.sum() <= CUT)


def _axes(
    axes: Mapping[str, Axis],
    ends: Mapping[str, tuple[float, float]],
    kept: Mapping[str, Indices],
    trials: Indices,
) -> dict[str, Axis]:
    found = {}
    for name, axis in axes.items():
        columns = axis.columns[trials]
        if name in kept:
            chosen = columns[:, kept[name]]
            chosen = chosen[:, chosen.any(axis=0)]
            if chosen.shape[1] > 1:
                found[name] = choice_axis(chosen)
            continue
        low, high = ends[name]
        if len(trials) and np.ptp(columns) > 0:
            found[name] = range_axis((columns[:, 0] - low) / (high - low))
    return found
