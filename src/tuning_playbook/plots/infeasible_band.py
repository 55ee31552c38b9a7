"""The band on the bad side of an objective, where what is infeasible has its red crosses."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from tuning_playbook.analysis.ranking import Floats, Indices
from tuning_playbook.plots.points import MANY_POINTS, name_points
from tuning_playbook.plots.scales import scale_objective
from tuning_playbook.plots.style import PALE, VERMILION

BAND, ROW = 0.12, 0.07
"""Part of the vertical axis that the band takes, if there is anything in it, and each of several
rows in it."""


def with_room_for_infeasible(
    axes: Axes, values: Floats, infeasible: int, *, top: bool, rows: int = 1
) -> None:
    """Scale the vertical axis to the objectives `values`, with a band beside them if need be."""
    band = _height(rows) if infeasible else 0.0
    scale_objective(axes, values, **{"above" if top else "below": band})


def row_heights(rows: int, *, top: bool) -> Floats:
    """Return the middle of each row of a band as a part of the vertical axis, the first on top.

    Example:
        >>> row_heights(1, top=True), row_heights(2, top=False)
        (array([0.94]), array([0.105, 0.035]))
    """
    within = 1 - (np.arange(rows) + 0.5) / rows
    return np.asarray((1 - _height(rows) if top else 0.0) + _height(rows) * within)


def _height(rows: int) -> float:
    """Return the part of the vertical axis that a band of that many rows takes."""
    return max(BAND, ROW * rows)


def draw_infeasible(
    axes: Axes,
    across: Floats,
    *,
    top: bool,
    what: str = "infeasible",
    trials: Sequence[str] = (),
    row: Indices | None = None,
    rows: int = 1,
) -> None:
    """Draw what has no objective as red crosses, at its places `across` the horizontal axis.

    Args:
        axes: Of the plot.
        across: Where the crosses stand; without any there is no band.
        top: Whether large objectives are the bad ones.
        what: For the legend, with the number of crosses.
        trials: Whose crosses they are, where they are trials'.
        row: The row of the band that each cross stands in, where there are several.
        rows: How many there are.
    """
    if not len(across):
        return
    low, high = (1 - _height(rows), 1.0) if top else (0.0, _height(rows))
    axes.fill_between(
        [0, 1], low, high, transform=axes.transAxes, color=PALE, linewidth=0, zorder=0.5
    )
    middle = row_heights(rows, top=top)[np.zeros(len(across), int) if row is None else row]
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
