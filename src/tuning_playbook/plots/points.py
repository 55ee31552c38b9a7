"""Which trial each point of a plot is, for whoever hovers over it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.picture import NAMED

MANY_POINTS = 2000
"""Of more points each hides others. So only as many are named, and the points themselves are drawn
as one picture within the SVG, or it would take megabytes."""


def name_points(
    axes: Axes,
    trials: Sequence[str],
    across: Floats,
    up: Floats,
    transform: Transform | None = None,
) -> None:
    """Lay an invisible point over each trial's, in a group whose id in the SVG names the trials.

    Args:
        axes: Of the plot.
        trials: Their ids, those first that matter most; not more than `MANY_POINTS` are named.
        across: Where they stand: [trial], finite.
        up: Likewise: [trial], finite.
        transform: What they are measured in; the axes' own data if left out.
    """
    trials = trials[:MANY_POINTS]
    if len(trials):
        line = axes.plot(
            across[: len(trials)],
            up[: len(trials)],
            linestyle="none",
            marker=",",
            alpha=0,
            clip_on=False,
            transform=transform or axes.transData,
        )[0]
        line.set_gid(NAMED + "-".join(trials))
