"""Whether a trial lies beside a cliff: a value of a hyperparameter beyond which training fails."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.breakdown import broken_down, start_is_known
from tuning_playbook.analysis.end_of_range import PERMUTATIONS, end_of_range
from tuning_playbook.analysis.numbers import plain
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    collapsed,
    curves,
    members,
    metric_losses,
    objective_split,
    strings,
)
from tuning_playbook.analysis.sampling_scale import Edge, sampling_scale, values_where_searched
from tuning_playbook.dataset.searched import Searched, read_searched

SIGNIFICANCE = 0.02
"""Of all studies in which trials fail at random places."""

NEAR = 0.1
"""Part of a range, in the scale that it was sampled in: of three decades a factor of two."""

GAPS = 2.0
"""Or this many times the mean gap between trials, within which a cliff cannot be placed."""

LOST = 0.5
"""A trial fails that loses so much of what the best of its arm gained from the start."""

LEAST_BEYOND = 2
"""A single trial may have failed for another reason than where it lies."""

MOSTLY = 0.75
"""So large a share of the trials beyond a cliff fail."""


@dataclass(frozen=True)
class Cliff:
    """A cliff that a trial lies beside.

    Attributes:
        hyperparameter: Its name.
        value: The trial's value.
        edge: On which side of the trial training fails.
        fails_at: The nearest value of a trial beyond the cliff.
        beyond: How many trials lie beyond it.
        failing: How many of these fail.
        p_value: Of a threshold that parts failing trials from others so well by chance, times the
            number of hyperparameters asked about.
    """

    hyperparameter: str
    value: float
    edge: Edge
    fails_at: float
    beyond: int
    failing: int
    p_value: float


def cliffs(study: xr.Dataset, trial: int) -> tuple[Cliff, ...]:
    """Return the cliffs that a trial lies beside, in any hyperparameter that its arm searches.

    A trial fails that is infeasible, broke down or collapsed, and one that loses half of what the
    best trial of the arm gained from the start. A cliff is a threshold in one hyperparameter with
    an order that parts failing trials from the others (`end_of_range`), with a p-value, times the
    number of hyperparameters, of at most 0.02; beyond it at least two trials and three in four
    fail. The trial lies beside it where the nearest trial beyond is within a tenth of the range, or
    within two mean gaps between trials, or where it lies beyond itself.

    Where one trial in five fails at random places at most 2 % of studies are told of a cliff. Of 16
    trials of which those in the upper two fifths of one range fail, and whose best lies right below
    them, nine in ten are; where the best lies in the lower third none is.

    Args:
        study: The study.
        trial: The place of the trial.
    """
    arm = str(strings(study, "arm")[trial])
    everyone = members(study, arm)
    failing = _failing(study, arm, everyone)
    found = []
    ranges = [item for item in read_searched(study) if arm in item.arms]
    asked = [item for item in ranges if sampling_scale(study, item) is not None]
    for item in asked:
        found += list(_beside(study, item, trial, everyone, failing, len(asked)))
    return tuple(found)


def _failing(study: xr.Dataset, arm: str, everyone: Indices) -> NDArray[np.bool_]:
    """Return which trials of an arm fail: [trial of the arm]."""
    failing = broken_down(study, arm) | collapsed(study)[everyone]
    loss = metric_losses(study)[everyone]
    if not start_is_known(study) or not np.isfinite(loss).any():
        return np.asarray(failing)
    start = curves(study, objective_split(study))[everyone, 0]
    best = float(np.nanmin(loss))
    gain = float(np.median(start[np.isfinite(start)])) - best
    with np.errstate(invalid="ignore"):
        return np.asarray(failing | ((loss - best >= LOST * gain) & (gain > 0)))


def _beside(
    study: xr.Dataset,
    item: Searched,
    trial: int,
    everyone: Indices,
    failing: NDArray[np.bool_],
    comparisons: int,
) -> Iterator[Cliff]:
    scale = sampling_scale(study, item)
    assert scale is not None
    values = values_where_searched(study, item)
    positions = scale.position(values)
    known = np.isfinite(positions[everyone])
    places, fails = everyone[known], failing[known]
    if not np.isfinite(positions[trial]):
        return
    edges: set[Edge] = set()
    while _can_be_parted(positions[places], fails) and len(edges) < 2:
        end = end_of_range(positions[places], fails, PERMUTATIONS)
        p_value = min(1.0, comparisons * end.p_value)
        beyond = places[end.trials]
        lost = fails[end.trials]
        if p_value > SIGNIFICANCE or end.edge in edges or not _is_cliff(lost):
            return
        edges.add(end.edge)
        near = max(NEAR, GAPS / int(known.sum()))
        itself = bool(np.isin(trial, beyond))
        if itself or np.abs(positions[beyond] - positions[trial]).min() <= near:
            nearest = beyond[np.argmin(np.abs(positions[beyond] - positions[trial]))]
            if nearest == trial:  # beyond itself: what fails there is told by the next one
                others = beyond[beyond != trial]
                nearest = others[np.argmin(np.abs(positions[others] - positions[trial]))]
            yield Cliff(
                hyperparameter=item.name,
                value=float(plain(values[trial])),
                edge=end.edge,
                fails_at=float(plain(values[nearest])),
                beyond=len(beyond),
                failing=int(lost.sum()),
                p_value=p_value,
            )
        kept = ~np.isin(places, beyond)
        places, fails = places[kept], fails[kept]


def _can_be_parted(positions: Floats, fails: NDArray[np.bool_]) -> bool:
    return bool(0 < fails.sum() < len(fails) and np.ptp(positions) > 0)


def _is_cliff(lost: NDArray[np.bool_]) -> bool:
    return bool(lost.sum() >= LEAST_BEYOND and lost.mean() >= MOSTLY)
