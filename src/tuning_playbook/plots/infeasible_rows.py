"""Infeasible trials of several arms: a row of the band for each arm, with its mark beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from tuning_playbook.analysis.ranking import Indices, arm_names, members, strings
from tuning_playbook.plots.infeasible_band import row_heights
from tuning_playbook.plots.style import clean, looks

MOST_ROWS = 4
"""Arms whose infeasible trials have a row each; more rows would leave too little room."""

LEFT_OF_AXIS = -0.022
"""Where the mark of an arm is, as a part of the horizontal axis."""


@dataclass(frozen=True)
class Rows:
    """The rows of a band of infeasible trials.

    Attributes:
        arms: Whose trials each row has, the first on top; empty where one row has those of all.
        of_trial: The row of each trial: [trial].
    """

    arms: tuple[str, ...]
    of_trial: Indices

    @property
    def count(self) -> int:
        """How many rows there are."""
        return max(1, len(self.arms))


def rows_of(study: xr.Dataset, shown: Sequence[str], infeasible: Indices) -> Rows:
    """Return the rows that infeasible trials stand in.

    Args:
        study: The study.
        shown: The arms that the plot shows, in their order.
        infeasible: The positions of the trials.
    """
    among = set(strings(study, "arm")[infeasible].tolist())
    arms = tuple(arm for arm in shown if arm in among)
    of_trial = np.zeros(study.sizes["trial"], np.int64)
    if len(shown) == 1 or len(arms) > MOST_ROWS:
        return Rows((), of_trial)
    for row, arm in enumerate(arms):
        of_trial[members(study, arm)] = row
    return Rows(arms, of_trial)


def mark_rows(axes: Axes, study: xr.Dataset, rows: Rows, *, top: bool) -> None:
    """Draw the mark of each arm beside the row of its infeasible trials.

    The legend names the arms that it does not name yet: those without a feasible trial.

    Args:
        axes: Of the plot, with the feasible trials in it.
        study: The study, for how its arms look.
        rows: The rows.
        top: Whether the band is at the top.
    """
    arm_looks = looks(arm_names(study))
    _, named = axes.get_legend_handles_labels()
    for arm, height in zip(rows.arms, row_heights(rows.count, top=top), strict=False):
        axes.scatter(
            LEFT_OF_AXIS,
            height,
            transform=axes.transAxes,
            s=34,
            color=arm_looks[arm].color,
            marker=arm_looks[arm].marker,
            clip_on=False,
            label="" if clean(arm) in named else clean(arm),
        )
