"""The sign of a trial that did not reach the target: an arrow that points beyond the last step."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.path import Path

from tuning_playbook.analysis.ranking import Floats, censored
from tuning_playbook.plots.points import MANY_POINTS, name_points
from tuning_playbook.plots.style import GREY

ARROW = Path(
    [(0.0, -0.5), (0.0, 0.5), (-0.3, 0.15), (0.0, 0.5), (0.3, 0.15)],
    [Path.MOVETO, Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO],
)

SIGN = "did not reach the target"


def heights(study: xr.Dataset) -> Floats:
    """Return where trials stand on the axis of the objective: [trial].

    A trial that did not reach the target is at the last step of the study, where its arrow is;
    NaN for an infeasible one.
    """
    objective = study["objective"].values.astype(float)
    return np.where(censored(study), float(study.attrs["max_train_steps"]), objective)


def mark_censored(
    axes: Axes,
    across: Floats,
    last_step: float,
    *,
    color: str,
    what: str = SIGN,
    trials: Sequence[str] = (),
) -> None:
    """Draw an arrow at the last step for each trial that did not reach the target.

    Args:
        axes: Of the plot, whose vertical axis has the steps to the target.
        across: Where the arrows stand on the horizontal axis: [trial].
        last_step: Of the study; a line is drawn there.
        color: Of the arrows.
        what: For the legend.
        trials: Whose arrows they are, where they are not named already.
    """
    if not len(across):
        return
    up = np.full(len(across), last_step)
    axes.axhline(last_step, color=GREY, linestyle=":", linewidth=1.0, zorder=1)
    name_points(axes, trials, np.asarray(across), up)
    axes.scatter(
        across,
        up,
        s=130,
        marker=ARROW,
        facecolors="none",
        edgecolors=color,
        linewidths=1.6,
        rasterized=len(across) > MANY_POINTS,
        label=what,
        zorder=3.5,
    )
