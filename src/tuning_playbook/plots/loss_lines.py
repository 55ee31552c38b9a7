"""Training loss curves of a few trials, on axes of their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.scales import linear_ticks, plain_ticks, range_ticks, scale_objective
from tuning_playbook.plots.style import COLOURS, VERMILION, WIDTH, clean, legend_below, look

UNSTABLE_LINES: tuple[Any, ...] = ("--", "-.", ":", (0, (9, 2)), (0, (9, 2, 1, 2, 1, 2)))
"""Of unstable trials, so that they are distinguished."""

THICK, THIN = 3.2, 1.0
"""Widths of the line that is to be seen first, and of the others."""

TOO_HIGH = 3.0
"""A loss more than so many times the lowest one at a start is cut off: the others are to be seen. A
rate that is far too high has raised it within the first window."""


def line_of(conclusion: xr.Dataset, trial: int) -> tuple[Floats, Floats]:
    """Return the steps and the training losses of a trial, if it has any."""
    return values_of(conclusion, trial, "train_loss")


def values_of(conclusion: xr.Dataset, trial: int, name: str) -> tuple[Floats, Floats]:
    """Return the steps of a trial and what was logged there, where that is finite.

    Args:
        conclusion: The trials of all rounds.
        trial: The position of one.
        name: Of a variable of [trial, window].
    """
    steps = conclusion["step"].values[trial].astype(float)
    values = conclusion[name].values[trial].astype(float)
    known = np.isfinite(steps) & np.isfinite(values)
    return steps[known], values[known]


def loss_figure(
    conclusion: xr.Dataset, trials: Sequence[int], labels: Sequence[str], *, title: str = ""
) -> Figure:
    """Return a figure of the training loss of some trials; see `draw_losses`."""
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if trials:
            draw_losses(axes, conclusion, trials, labels)
            axes.set_title(title)
        else:
            axes.text(0.5, 0.5, "nothing to compare", transform=axes.transAxes, ha="center")
        legend_below(figure, axes)
    return figure


def draw_losses(
    axes: Axes,
    conclusion: xr.Dataset,
    trials: Sequence[int],
    labels: Sequence[str],
    *,
    log_steps: bool = False,
    thick: int | None = None,
    linear: bool = False,
) -> None:
    """Draw the training loss of some trials; unstable ones are dashed and red.

    A cross marks where one diverged, or left the plot for good.

    Args:
        axes: The plot.
        conclusion: The trials of all rounds.
        trials: Their positions.
        labels: What the legend calls each.
        log_steps: Whether the axis of steps is logarithmic.
        thick: The position of a trial whose line is thick, the others being thin.
        linear: Whether the axis of losses is linear, so that a rise of a large loss is not small
            beside what good trials gain.
    """
    lines = [line_of(conclusion, trial) for trial in trials]
    seen = [losses for _, losses in lines if len(losses)]
    first = min((float(losses[0]) for losses in seen), default=1.0)
    lost = 0
    for place, (trial, label, (steps, losses)) in enumerate(
        zip(trials, labels, lines, strict=True)
    ):
        bad = bool(conclusion["unstable"].values[trial])
        style = UNSTABLE_LINES[lost % len(UNSTABLE_LINES)] if bad else "-"
        colour = VERMILION if bad else COLOURS[place % len(COLOURS)]
        lost += bad
        width = None if thick is None else THICK if trial == thick else THIN
        axes.plot(steps, losses, linestyle=style, color=colour, linewidth=width, label=clean(label))
        inside = losses <= TOO_HIGH * first
        if bad and len(losses) and (not inside[-1] or not _whole(conclusion, trial)):
            last = int(np.flatnonzero(inside)[-1]) if inside.any() else 0
            axes.plot(steps[last], min(losses[last], TOO_HIGH * first), "x", color=VERMILION)
    shown = [np.minimum(losses, TOO_HIGH * first) for losses in seen]
    seen_losses = np.concatenate(shown) if shown else np.array([])
    if linear and len(seen_losses):
        low, high = min(0.0, float(seen_losses.min())), 1.05 * float(seen_losses.max())
        axes.set_ylim(low, high)
        plain_ticks(axes.yaxis, linear_ticks(low, high))
    else:
        scale_objective(axes, seen_losses)
    end = max((float(steps[-1]) for steps, _ in lines if len(steps)), default=1.0)
    if log_steps:
        begin = min((float(steps[0]) for steps, _ in lines if len(steps)), default=1.0)
        axes.set_xscale("log")
        axes.set_xlim(begin, max(end, begin * 1.01))
        plain_ticks(axes.xaxis, range_ticks(begin, max(end, begin * 1.01), log=True))
    else:
        axes.set_xlim(0, end)
        plain_ticks(axes.xaxis, range_ticks(0, end, log=False))
    axes.set_xlabel("step")
    axes.set_ylabel("training loss")


def _whole(conclusion: xr.Dataset, trial: int) -> bool:
    """Return whether a trial has a loss to its last step."""
    steps = conclusion["step"].values[trial].astype(float)
    losses = conclusion["train_loss"].values[trial].astype(float)
    return bool(np.isfinite(losses[np.isfinite(steps)]).all())
