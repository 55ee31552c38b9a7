"""The sign of a trial that collapsed: an open triangle in the colour of what went wrong."""

import numpy as np
from matplotlib.axes import Axes

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.points import MANY_POINTS
from tuning_playbook.plots.style import VERMILION


def mark_collapses(axes: Axes, across: Floats, up: Floats) -> None:
    """Mark collapsed trials at their places; NaN where one has none.

    Args:
        axes: Of the plot.
        across: Where the marks stand on the horizontal axis: [trial].
        up: Likewise on the vertical one: [trial].
    """
    shown = np.isfinite(across) & np.isfinite(up)
    if not shown.any():
        return
    axes.scatter(
        across[shown],
        up[shown],
        s=70,
        marker="v",
        facecolors="none",
        edgecolors=VERMILION,
        linewidths=1.3,
        rasterized=int(shown.sum()) > MANY_POINTS,
        label=f"collapsed ({int(shown.sum())})",
        zorder=4.5,
    )
