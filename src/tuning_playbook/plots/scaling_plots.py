"""What the procedure `batch_scaling` found: steps, learning rates and time by the batch size."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.censored_marks import ARROW, SIGN
from tuning_playbook.plots.scales import log_ticks, plain_ticks
from tuning_playbook.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    VERMILION,
    WIDTH,
    legend_below,
    look,
)

ROOM = 1.3
"""On a logarithmic axis, beyond the outermost values."""

MOST_SIZES = 9
"""This many batch sizes are each named on the axis."""


def scaling(conclusion: xr.Dataset) -> Figure:
    """Plot the steps to the target against the batch size, with the line of perfect scaling."""
    sizes, steps = _column(conclusion, "batch_size"), _column(conclusion, "steps")
    at, runs = _column(conclusion, "run_batch_size"), _column(conclusion, "run_steps")
    missed = _column(conclusion, "run_missed") > 0
    known = np.isfinite(steps)
    with look():
        figure = Figure(figsize=(WIDTH, 3.8))
        axes = figure.subplots()
        _size_axis(axes, sizes)
        if len(runs):
            _log_axis(axes, runs, "steps to the target")
        if known.any():
            first = int(np.flatnonzero(known)[0])
            perfect = steps[first] * sizes[first] / sizes
            label = "perfect scaling from the smallest"
            axes.plot(sizes, perfect, linestyle="--", color=GREY, label=label, zorder=1)
        _draw_fit(axes, conclusion, sizes)
        if (~missed).any():
            label = "runs of the best trial"
            axes.scatter(at[~missed], runs[~missed], s=16, color=BLUE, alpha=0.6, label=label)
        if known.any():
            label = "mean, or median where a run missed"
            axes.plot(sizes[known], steps[known], "o", color=BLUE, label=label, zorder=3)
        if missed.any():
            axes.scatter(
                at[missed],
                runs[missed],
                s=130,
                marker=ARROW,
                facecolors="none",
                edgecolors=VERMILION,
                linewidths=1.6,
                label=SIGN,
                zorder=3.5,
            )
        legend_below(figure, axes)
    return figure


def rates(conclusion: xr.Dataset) -> Figure:
    """Plot the learning rate of each trial of the search against the batch size."""
    purpose = conclusion["purpose"].values.astype(str)
    searched = np.isin(purpose, ("sweep", "rates"))
    size, rate = conclusion["hp_batch_size"].values, conclusion["hp_learning_rate"].values
    feasible = np.isfinite(conclusion["loss"].values.astype(float))
    best = conclusion["best"].values > 0
    with look():
        figure = Figure(figsize=(WIDTH, 3.6))
        axes = figure.subplots()
        _size_axis(axes, _column(conclusion, "batch_size"))
        _log_axis(axes, rate[searched], "learning rate")
        for chosen, marker, colour, label in (
            (searched & feasible, "o", BLUE, "trial"),
            (searched & ~feasible, "x", VERMILION, "infeasible trial"),
        ):
            if chosen.any():
                axes.scatter(size[chosen], rate[chosen], s=22, marker=marker, color=colour)
                axes.scatter([], [], s=22, marker=marker, color=colour, label=label)
        if best.any():
            axes.scatter(
                size[best],
                rate[best],
                s=120,
                facecolors="none",
                edgecolors=BLACK,
                label="best trial",
                zorder=3,
            )
        legend_below(figure, axes)
    return figure


def time(conclusion: xr.Dataset) -> Figure:
    """Plot the time to the target against the batch size, and the same times the devices."""
    sizes, seconds = _column(conclusion, "batch_size"), _column(conclusion, "seconds")
    busy = _column(conclusion, "device_seconds")
    known = np.isfinite(seconds)
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if not known.any():
            axes.text(0.5, 0.5, "no times are known", transform=axes.transAxes, ha="center")
            return figure
        _size_axis(axes, sizes)
        _log_axis(axes, np.concatenate([seconds[known], busy[known]]), "seconds to the target")
        axes.plot(sizes[known], seconds[known], "o-", color=GREEN, label="time")
        if not np.allclose(seconds[known], busy[known]):
            label = "device time: the same, times the devices"
            axes.plot(sizes[known], busy[known], "s--", color=ORANGE, label=label)
        legend_below(figure, axes)
    return figure


def _draw_fit(axes: Axes, conclusion: xr.Dataset, sizes: Floats) -> None:
    """Draw the fitted curve, the critical batch size and its interval, where there are any."""
    least, critical = (float(conclusion.attrs[name]) for name in ("least_steps", "fitted_critical"))
    if not np.isfinite(least):
        return
    fine = np.geomspace(sizes.min(), sizes.max(), 100)
    label = "least steps × (1 + critical / batch size)"
    axes.plot(fine, least * (1 + critical / fine), color=BLACK, linewidth=1.2, label=label)
    low, high = (float(conclusion.attrs[f"critical_{end}"]) for end in ("low", "high"))
    if np.isfinite(conclusion.attrs["critical_batch_size"]):
        label = f"critical batch size {critical:,.0f}, with its 95 % interval"
        left, right = axes.get_xlim()
        axes.axvspan(max(low, left), min(high, right), color=PALE, zorder=0)
        axes.axvline(critical, color=ORANGE, linewidth=1.4, label=label, zorder=1)


def _size_axis(axes: Axes, sizes: Floats) -> None:
    """Draw the horizontal axis of batch sizes, logarithmic, with those that were tried."""
    axes.set_xscale("log")
    axes.set_xlim(sizes.min() / ROOM, sizes.max() * ROOM)
    step = -(-len(sizes) // MOST_SIZES)
    plain_ticks(axes.xaxis, sizes[::step].tolist())
    axes.set_xlabel("batch size")


def _log_axis(axes: Axes, values: Floats, label: str) -> None:
    """Draw a logarithmic vertical axis over positive values."""
    shown = values[np.isfinite(values) & (values > 0)]
    axes.set_ylabel(label)
    if not len(shown):
        return
    low, high = float(shown.min()) / ROOM, float(shown.max()) * ROOM
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    plain_ticks(axes.yaxis, [tick for tick in log_ticks(low, high) if low <= tick <= high])


def _column(conclusion: xr.Dataset, name: str) -> Floats:
    return np.asarray(conclusion[name].values, np.float64)
