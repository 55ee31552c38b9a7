"""Training curves: all trials, the best three in front."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    collapsed,
    objective_metric,
    objective_split,
    ranked,
    target,
    trial_id,
    trial_ids,
)
from tuning_playbook.plots.collapse_marks import mark_collapses
from tuning_playbook.plots.points import MANY_POINTS, name_points
from tuning_playbook.plots.scales import plain_ticks, range_ticks, scale_objective
from tuning_playbook.plots.style import (
    BLACK,
    COLOURS,
    GREY,
    LINES,
    MARKERS,
    VERMILION,
    WIDTH,
    clean,
    legend_below,
    look,
    wrapped,
)

BEST = 3
"""This many of the best trials are drawn in front, as the playbook does."""

MANY_TRIALS = 200
"""Above this many the thin curves are drawn as one picture within the SVG, or it would take
megabytes; the best trials and all text stay lines and letters."""


NAMED_OF_A_CURVE = 24
"""Points of it that name its trial: enough that one is always near the pointer."""

MOST_POINTS = 300
"""Of a thin curve; the picture is not wide enough to show more."""


def training_curves(study: xr.Dataset) -> Figure:
    """Plot the objective's metric on training and validation data against the step.

    All trials are thin and grey, infeasible ones dashed in red up to a cross where they diverged; a
    trial that collapsed has an open red triangle where it did. The best three are in front, with
    their ids and arms in the legend. A target is a dashed line.

    Source: playbook, "Examining the training curves".
    """
    metric = objective_metric(study)
    curves = study[metric].transpose("trial", "eval_step", "split")
    panels = {
        f"{split} {metric}": curves.sel(split=split).values.astype(float)
        for split in ("train", "validation")
    }
    return _plot(study, study["eval_step"].values.astype(float), panels)


def train_loss_curves(study: xr.Dataset) -> Figure:
    """Plot the loss on the batches that each trial trained on against the step.

    Drawn as `training_curves` are. A training loss that rises usually is a bug in the training
    pipeline.

    Source: playbook, "Examining the training curves".
    """
    losses = study["train_loss"].transpose("trial", "train_step").values.astype(float)
    return _plot(study, study["train_step"].values.astype(float), {"train_loss": losses})


def _plot(study: xr.Dataset, steps: Floats, panels: dict[str, Floats]) -> Figure:
    """Draw panels one above the other: their labels, and their curves as [trial, step]."""
    best_first = ranked(study)
    with look():
        figure = Figure(figsize=(WIDTH, 0.4 + 2.4 * len(panels)))
        rows = list(figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0])
        for axes, (label, curves) in zip(rows, panels.items(), strict=True):
            axes.set_ylabel(wrapped(label, 26))
            if not np.isfinite(curves).any():
                axes.text(0.5, 0.5, "not logged", transform=axes.transAxes, ha="center")
                axes.set_yticks([])
                continue
            _draw_thin(axes, steps, curves, best_first)
            _draw_best(axes, study, steps, curves, best_first[:BEST])
            _mark_collapses(axes, study, steps, curves)
            # An infeasible trial may grow without bounds; the others set the scale.
            seen = curves[best_first] if len(best_first) else curves
            scale_objective(axes, np.append(seen, _draw_target(axes, study, label)))
            _name(axes, study, steps, curves, best_first)
        rows[-1].set_xlabel("step")
        rows[-1].set_xlim(0, float(study.attrs["max_train_steps"]))
        plain_ticks(
            rows[-1].xaxis, range_ticks(0, float(study.attrs["max_train_steps"]), log=False)
        )
        legend_below(figure, *rows)
    return figure


def _draw_target(axes: Axes, study: xr.Dataset, label: str) -> list[float]:
    """Draw the target where the panel has the objective; return what the axis has to show of it."""
    aim = target(study)
    if aim is None or label != f"{objective_split(study)} {objective_metric(study)}":
        return []
    axes.axhline(aim, color=BLACK, linestyle="--", linewidth=1.0, label=f"target {aim:g}", zorder=1)
    return [aim]


def _mark_collapses(axes: Axes, study: xr.Dataset, steps: Floats, curves: Floats) -> None:
    """Mark where trials collapsed, at the first value from there on."""
    marks = []
    for trial in np.flatnonzero(collapsed(study)):
        line = _line(steps, curves[trial])
        since = line[line[:, 0] >= float(study["collapse_step"].values[trial])]
        marks += [since[0]] if len(since) else []
    if marks:
        mark_collapses(axes, *np.array(marks).T)


def _name(axes: Axes, study: xr.Dataset, steps: Floats, curves: Floats, feasible: Indices) -> None:
    """Name the trials along their curves, the best first, and the infeasible where they end."""
    lost = np.setdiff1d(np.arange(len(curves)), feasible)
    ends = [(trial, *end) for trial in lost if (end := _last_finite(steps, curves[trial]))]
    along = []
    for trial in feasible[: MANY_POINTS // NAMED_OF_A_CURVE]:
        line = _line(steps, curves[trial])
        if len(line):
            some = np.unique(np.linspace(0, len(line) - 1, NAMED_OF_A_CURVE).astype(int))
            along += [(trial, *point) for point in line[some]]
    low, high = axes.get_ylim()
    for points in (along, ends):
        seen = [point for point in points if low <= point[2] <= high]
        if seen:
            trials, across, up = (np.array(column) for column in zip(*seen, strict=True))
            name_points(axes, trial_ids(study, trials.astype(int)), across, up)


def _draw_thin(axes: Axes, steps: Floats, curves: Floats, feasible: Indices) -> None:
    """Draw all trials; the best hide their own thin curves."""
    infeasible = np.setdiff1d(np.arange(len(curves)), feasible)
    many = len(curves) > MANY_TRIALS
    _draw_lines(axes, steps, curves[feasible], "feasible trials", GREY, many)
    _draw_lines(axes, steps, curves[infeasible], "infeasible trials", VERMILION, many)
    ends = [_last_finite(steps, curves[trial]) for trial in infeasible]
    axes.plot(
        *np.array([end for end in ends if end is not None]).reshape(-1, 2).T,
        linestyle="none",
        marker="x",
        color=VERMILION,
        markersize=6,
        rasterized=many,
        zorder=2.2,
    )


def _draw_lines(
    axes: Axes, steps: Floats, curves: Floats, what: str, color: str, many: bool
) -> None:
    """Draw the thin curves of some trials, [trial, step], and say how many there are."""
    lines = [line for curve in curves if len(line := _line(steps, curve))]
    if not lines:
        return
    lost = color == VERMILION
    axes.add_collection(
        LineCollection(
            [line[_thinned(len(line))] for line in lines],
            colors=color,
            linewidths=0.9 if lost else 0.7,
            linestyles="dashed" if lost and not many else "solid",
            alpha=0.7 if lost else 0.6,
            label=f"{what} ({len(lines)})" if lost or len(lines) > BEST else "",
            rasterized=many,
            zorder=2.1 if lost else 2,
        )
    )
    alone = np.array([line[0] for line in lines if len(line) == 1])
    if len(alone) and not lost:
        axes.plot(*alone.T, linestyle="none", marker=".", color=color, rasterized=many, zorder=2)


def _line(steps: Floats, curve: Floats) -> Floats:
    """Return the points of a curve where it was measured: [point, (step, value)].

    Trials that are evaluated at steps of their own lack a value at those of the others.
    """
    known = np.isfinite(curve)
    return np.column_stack([steps[known], curve[known]])


def _thinned(count: int) -> Indices:
    """Return the points of a thin curve that are drawn, its ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(np.int64))


def _last_finite(steps: Floats, curve: Floats) -> tuple[float, float] | None:
    finite = np.flatnonzero(np.isfinite(curve))
    return (steps[finite[-1]], curve[finite[-1]]) if len(finite) else None


def _draw_best(axes: Axes, study: xr.Dataset, steps: Floats, curves: Floats, best: Indices) -> None:
    for rank, trial in enumerate(best):
        line = _line(steps, curves[trial])
        if not len(line):
            continue
        arm = clean(str(study["arm"].values[trial]), 36)
        axes.plot(
            *line.T,
            color=COLOURS[rank],
            linestyle=LINES[rank],
            marker=MARKERS[rank],
            markevery=(min(rank, len(line) - 1), max(1, len(line) // 8)),
            markersize=5,
            label=f"{rank + 1}: {trial_id(study, trial)} ({arm})",
            zorder=5 - 0.1 * rank,
        )
