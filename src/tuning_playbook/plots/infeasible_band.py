"""The band on the bad side of an objective, where what is infeasible has its red crosses."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.points import MANY_POINTS, name_points
from tuning_playbook.plots.scales import scale_objective
from tuning_playbook.plots.style import PALE, VERMILION

BAND = 0.12
"""Part of the vertical axis that the band takes, if there is anything in it."""


def with_room_for_infeasible(axes: Axes, values: Floats, infeasible: int, *, top: bool) -> None:
    """Scale the vertical axis to the objectives `values`, with a band beside them if need be."""
    band = BAND if infeasible else 0.0
    scale_objective(axes, values, **{"above" if top else "below": band})


def draw_infeasible(
    axes: Axes,
    across: Floats,
    *,
    top: bool,
    what: str = "infeasible",
    trials: Sequence[str] = (),
) -> None:
    """Draw what has no objective as red crosses, at its places `across` the horizontal axis.

    Args:
        axes: Of the plot.
        across: Where the crosses stand; without any there is no band.
        top: Whether large objectives are the bad ones.
        what: For the legend, with the number of crosses.
        trials: Whose crosses they are, where they are trials'.
    """
    if not len(across):
        return
    low, high = (1 - BAND, 1.0) if top else (0.0, BAND)
    axes.fill_between(
        [0, 1], low, high, transform=axes.transAxes, color=PALE, linewidth=0, zorder=0.5
    )
    middle = np.full(len(across), (low + high) / 2)
    name_points(axes, trials, across, middle, axes.get_xaxis_transform())
    axes.scatter(
        across,
        middle,
        transform=axes.get_xaxis_transform(),
        s=40,
        marker="x",
        color=VERMILION,
        linewidths=1.6,
        rasterized=len(across) > MANY_POINTS,
        label=f"{what} ({len(across)})",
        zorder=3,
    )
