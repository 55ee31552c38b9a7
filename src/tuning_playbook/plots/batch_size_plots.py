"""What the procedure `batch_sizes` found: throughput and step time against the batch size."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.scales import log_ticks, plain_ticks
from tuning_playbook.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    legend_below,
    look,
)

MOST_SIZES = 9
"""Labels of batch sizes side by side."""


def throughput(conclusion: xr.Dataset) -> Figure:
    """Plot the examples a second against the batch size, with the line of perfect doubling."""
    size, fits = _sizes(conclusion)
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if not fits.any():
            return _nothing(figure, axes)
        measured = conclusion["examples_per_second"].values
        slow = size / conclusion["seconds_per_step_upper"].values
        fast = size / conclusion["seconds_per_step_lower"].values
        ideal = measured[fits][0] * size / size[fits][0]
        axes.plot(size[fits], ideal[fits], "--", color=GREY, label="perfect doubling")
        axes.fill_between(size[fits], slow[fits], fast[fits], color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(size[fits], measured[fits], "o-", color=BLUE, label="median, with quartiles")
        shown = np.concatenate([slow[fits], fast[fits], ideal[fits]])
        _finish(axes, conclusion, shown)
        axes.set_ylabel("examples a second")
        legend_below(figure, axes)
    return figure


def step_time(conclusion: xr.Dataset) -> Figure:
    """Plot the time of a step against the batch size, with what of it is computation."""
    size, fits = _sizes(conclusion)
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if not fits.any():
            return _nothing(figure, axes)
        step = 1e3 * conclusion["seconds_per_step"].values
        low = 1e3 * conclusion["seconds_per_step_lower"].values
        high = 1e3 * conclusion["seconds_per_step_upper"].values
        compute = 1e3 * conclusion["compute_seconds"].values
        axes.fill_between(size[fits], low[fits], high[fits], color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(size[fits], step[fits], "o-", color=BLUE, label="a step, fed as in training")
        text = "a step whose batch is on the device already"
        axes.plot(size[fits], compute[fits], "s--", color=ORANGE, label=text, markersize=4)
        flat = np.full(int(fits.sum()), step[fits][0])
        axes.plot(size[fits], flat, ":", color=GREY, label="perfect doubling")
        _finish(axes, conclusion, np.concatenate([low[fits], high[fits], compute[fits]]))
        axes.set_ylabel("milliseconds a step")
        legend_below(figure, axes)
    return figure


def _sizes(conclusion: xr.Dataset) -> tuple[Floats, np.ndarray]:
    """Return the batch sizes, and which of them fit."""
    return conclusion["batch_size"].values.astype(float), conclusion["fits"].values.astype(bool)


def _nothing(figure: Figure, axes: Axes) -> Figure:
    axes.text(0.5, 0.5, "no batch size fits", transform=axes.transAxes, ha="center")
    axes.set_xticks([])
    axes.set_yticks([])
    return figure


def _finish(axes: Axes, conclusion: xr.Dataset, shown: Floats) -> None:
    """Scale both axes, and mark what the conclusion says."""
    size, fits = _sizes(conclusion)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    low, high = float(shown.min()) / 1.3, float(shown.max()) * 1.3
    axes.set_ylim(low, high)
    plain_ticks(axes.yaxis, [tick for tick in log_ticks(low, high) if low <= tick <= high])
    worthwhile = float(conclusion.attrs["worthwhile"])
    if np.isfinite(worthwhile):
        text = f"doubling pays up to {worthwhile:.0f}"
        axes.axvline(worthwhile, color=GREEN, linestyle="--", label=text)
    refused = size[~fits]
    if len(refused):
        axes.axvspan(refused[0] / 2**0.5, refused[0] * 2**0.5, color=VERMILION, alpha=0.12)
        axes.axvline(refused[0], color=VERMILION, label=f"{refused[0]:.0f} does not fit")
    tried = size[fits | (size == refused[0])] if len(refused) else size
    axes.set_xlim(tried[0] / 2**0.5, tried[-1] * 2**0.5)
    kept = tried[:: -(-len(tried) // MOST_SIZES)]
    axes.set_xticks(kept, [f"{value:.0f}" for value in kept])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("batch size")
