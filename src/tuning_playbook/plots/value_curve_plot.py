"""The isolation plot of what was sampled over a range: the best of each slice, and the curve."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import Floats, objective_label
from tuning_playbook.analysis.sampled_values import SampledValues
from tuning_playbook.analysis.slices import Slice
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.plots.censored_marks import mark_censored
from tuning_playbook.plots.points import name_points
from tuning_playbook.plots.scales import plain_ticks, range_ticks, scale_objective
from tuning_playbook.plots.style import (
    BLACK,
    BLUE,
    ORANGE,
    WIDTH,
    fitted,
    legend_below,
    look,
    wrapped,
)

LABEL = 4.9
"""Inches that there are for the name of an axis."""

HEIGHT = 3.6
"""Inches of each panel."""

BAND_ROOM = 0.5
"""Of the range of the curve and the trials, that the band may take above and below it."""


def value_curve_plot(
    study: xr.Dataset, curves: Sequence[SampledValues], baseline: TrialVariance | None = None
) -> Figure:
    """Plot the best trial of each slice of a range, and the curve that the trials together say.

    Each point is the best trial of a slice, the bar its width. The line is the fitted curve, the
    other hyperparameters tuned for each value, with its 95 % band; the upright band is the 95 %
    interval of the best value. The baseline is a line at the mean of its reruns.

    Source: playbook, "Detecting whether a change is useful with isolation plots".

    Args:
        study: The study, for the name of its objective.
        curves: What `analysis.sampled_values` gives: a panel for each.
        baseline: What `analysis.variance.trial_variance` gives for the baseline, if there is one.
    """
    with look():
        figure = Figure(figsize=(WIDTH, HEIGHT * len(curves)))
        panels = [figure.add_subplot(len(curves), 1, row + 1) for row in range(len(curves))]
        for axes, curve in zip(panels, curves, strict=True):
            _draw_curve(axes, curve)
            _draw_slices(axes, curve.slices)
            if baseline is not None and baseline.mean is not None:
                label = "baseline: mean of its reruns"
                axes.axhline(baseline.mean, color=BLACK, linestyle="--", label=label)
            missed = [part for part in curve.slices if part.censored]
            last_step = float(study.attrs["max_train_steps"])
            _scale(axes, curve, baseline, [last_step] * bool(missed))
            mark_censored(
                axes,
                _middles(axes, missed),
                last_step,
                color=BLACK,
                trials=[part.trial for part in missed],
            )
            axes.set_xlabel(fitted(curve.label, LABEL))
            axes.set_ylabel(wrapped(objective_label(study), 34))
        panels[0].set_title("Best trial of each slice")
        legend_below(figure, panels[-1])
    return figure


def _scale(
    axes: Axes,
    curve: SampledValues,
    baseline: TrialVariance | None,
    further: Sequence[float],
) -> None:
    """Scale the vertical axis to the trials and the curve, and to as much of the band as fits."""
    slices = [part.objective for part in curve.slices]
    values = [*slices, *curve.objective, *further, baseline.mean if baseline else None]
    shown = np.array([np.nan if v is None else v for v in values], dtype=float)
    shown = shown[np.isfinite(shown)]
    if len(shown) and curve.objective_low:
        room = BAND_ROOM * np.ptp(shown)
        low = max(min(curve.objective_low), shown.min() - room)
        high = min(max(curve.objective_high), shown.max() + room)
        shown = np.append(shown, [low, high])
    scale_objective(axes, shown)


def _draw_curve(axes: Axes, curve: SampledValues) -> None:
    if curve.log:
        axes.set_xscale("log")
    ends = curve.slices[0].low, curve.slices[-1].high
    plain_ticks(axes.xaxis, range_ticks(*ends, log=curve.log))
    if curve.best is None or curve.low is None or curve.high is None:
        return
    values = np.array(curve.values)
    axes.fill_between(
        values,
        curve.objective_low,
        curve.objective_high,
        color=BLUE,
        alpha=0.15,
        linewidth=0,
        label="its 95 % band",
    )
    axes.plot(values, curve.objective, color=BLUE, label="curve of all trials, the rest tuned")
    axes.axvspan(
        curve.low,
        curve.high,
        color=ORANGE,
        alpha=0.12,
        linewidth=0,
        label="best value, 95 % interval",
    )
    axes.axvline(curve.best, color=ORANGE, linewidth=1.2)


def _draw_slices(axes: Axes, slices: Sequence[Slice]) -> None:
    known = [(part, part.objective) for part in slices if part.objective is not None]
    middles = _middles(axes, [part for part, _ in known])
    objectives = np.array([objective for _, objective in known])
    for part, objective in known:
        axes.plot([part.low, part.high], [objective] * 2, color=BLACK, linewidth=1.0, zorder=3)
    axes.plot(
        middles,
        objectives,
        color=BLACK,
        marker="o",
        markersize=7,
        linestyle="none",
        label="best trial of each slice",
        zorder=4,
    )
    name_points(axes, [part.trial for part, _ in known], middles, objectives)


def _middles(axes: Axes, slices: Sequence[Slice]) -> Floats:
    """Return the middle of each slice on the horizontal axis: [slice]."""
    log = axes.get_xscale() == "log"
    return np.array(
        [(part.low * part.high) ** 0.5 if log else (part.low + part.high) / 2 for part in slices]
    )
