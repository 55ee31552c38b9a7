"""Isolation for a range: the best trial in each slice of a hyperparameter's values."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import censored, ranked, trial_id
from tuning_playbook.analysis.sampling_scale import sampling_scale, values_where_searched
from tuning_playbook.dataset.searched import Searched

TRIALS_PER_SLICE = 5
"""This many trials in a slice, on average, to optimize the nuisance hyperparameters away."""

MOST_SLICES = 8
"""More slices show no more of a curve than the trials' noise."""


@dataclass(frozen=True)
class Slice:
    """Some part of a range.

    Attributes:
        low: Its lower end, in the hyperparameter's own unit.
        high: Its upper end.
        trials: How many trials lie in it.
        trial: The id of the best of them; empty where none is feasible.
        objective: What that one reached; None where none is feasible, or reached the target.
        censored: Whether that one did not reach the target.
    """

    low: float
    high: float
    trials: int
    trial: str
    objective: float | None
    censored: bool = False


def slices(study: xr.Dataset, searched: Searched, count: int | None = None) -> tuple[Slice, ...]:
    """Return the best trial in each slice of a hyperparameter's range.

    The slices are as wide as each other in the scale in which the values were sampled. With
    (quasi-)random search this approximates an isolation plot of a hyperparameter that makes no
    arms; where there are arms beside it, the best is that of any arm. The best of many trials
    flatters a slice that has more of them, so their number is told.

    Source: playbook, "Detecting whether a change is useful with isolation plots".

    Args:
        study: The study.
        searched: One of its searched hyperparameters.
        count: How many slices; as many as the trials allow if left out.

    Returns:
        The slices from low to high; none for a choice.
    """
    scale = sampling_scale(study, searched)
    if scale is None:
        return ()
    positions = scale.position(values_where_searched(study, searched))
    inside = np.flatnonzero(np.isfinite(positions))
    if count is None:
        count = int(np.clip(len(inside) // TRIALS_PER_SLICE, 1, MOST_SLICES))
    place = np.full(len(positions), -1)
    place[inside] = np.clip((positions[inside] * count).astype(int), 0, count - 1)
    best_first = ranked(study)
    found = []
    missed = censored(study)
    for part in range(count):
        best = best_first[place[best_first] == part]
        low, high = (scale.value(edge / count) for edge in (part, part + 1))
        found.append(
            Slice(
                low=low,
                high=high,
                trials=int((place == part).sum()),
                trial=trial_id(study, int(best[0])) if len(best) else "",
                objective=number(study["objective"].values[best[0]]) if len(best) else None,
                censored=bool(len(best) and missed[best[0]]),
            )
        )
    return tuple(found)
