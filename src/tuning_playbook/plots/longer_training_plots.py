"""What the procedure `longer_training` found: the same trials at both lengths."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.plots.loss_lines import line_of
from tuning_playbook.plots.scales import (
    linear_ticks,
    plain_ticks,
    range_ticks,
    scale_objective,
)
from tuning_playbook.plots.style import (
    BLUE,
    COLOURS,
    GREY,
    VERMILION,
    WIDTH,
    clean,
    legend_below,
    look,
)

Pair = tuple[int, int]
"""The positions of a trial in short training and in longer training."""

EQUAL_POINTS = 50
"""Of the line of equal objectives, which is a curve where one axis is logarithmic."""

MOST_LINES = len(COLOURS)
"""Trials whose curves are drawn: each has a colour of its own."""


def ranks(conclusion: xr.Dataset) -> Figure:
    """Plot the objective of each trial in longer training against that in short training."""
    pairs = _pairs(conclusion)
    place = conclusion["place"].values.astype(float)
    sign = 1.0 if conclusion.attrs["mode"] == "min" else -1.0
    shown = sign * conclusion["loss"].values.astype(float)
    with look():
        figure = Figure(figsize=(WIDTH, 3.8))
        axes = figure.subplots()
        if not pairs:
            axes.text(0.5, 0.5, "no trial to train longer", transform=axes.transAxes, ha="center")
            return figure
        short, long = (np.array([shown[pair[end]] for pair in pairs]) for end in (0, 1))
        scale_objective(axes, long, below=0.05, above=0.12)
        limits = axes.get_ylim()
        known = np.isfinite(long)
        axes.plot(short[known], long[known], "o", color=BLUE, label="trained for both lengths")
        heights = axes.get_xaxis_transform()
        if not known.all():
            top = np.full(int((~known).sum()), 0.96)
            axes.plot(
                short[~known],
                top,
                "x",
                color=VERMILION,
                transform=heights,
                label="infeasible there",
            )
        for number, ((one, other), x, y) in enumerate(zip(pairs, short, long, strict=True)):
            axes.annotate(
                f"{place[one]:.0f} → {place[other]:.0f}",
                (x, y) if np.isfinite(y) else (x, 0.96),
                xycoords=axes.transData if np.isfinite(y) else heights,
                # Neighbours in one ranking are often near each other in both.
                xytext=(5, -12 if number % 2 else 5),
                textcoords="offset points",
                fontsize=10,
            )
        low, high = float(short.min()), float(short.max())
        room = 0.12 * (high - low) or abs(high) / 10 or 1.0
        ends = low - room, high + 1.5 * room
        same = np.linspace(*ends, EQUAL_POINTS)
        axes.plot(same, same, ":", color=GREY, label="as good at both lengths")
        axes.set_xlim(*ends)
        axes.set_ylim(*limits)
        plain_ticks(axes.xaxis, linear_ticks(*ends, 5))
        objective = clean(str(conclusion.attrs["objective"]), 32)
        axes.set_xlabel(f"{objective} at {_short(conclusion):,} steps")
        axes.set_ylabel(f"at {_long(conclusion):,} steps")
        axes.set_title(_correlation(conclusion))
        legend_below(figure, axes)
    return figure


def training_losses(conclusion: xr.Dataset) -> Figure:
    """Plot the training loss of the best trials at both lengths."""
    pairs = _pairs(conclusion)[:MOST_LINES]
    place = conclusion["place"].values.astype(float)
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        axes.set_xlabel("step")
        axes.set_ylabel("training loss")
        if not pairs:
            axes.text(0.5, 0.5, "no trial to train longer", transform=axes.transAxes, ha="center")
            return figure
        losses = []
        for number, (one, other) in enumerate(pairs):
            colour = COLOURS[number]
            label = f"number {place[one]:.0f}, then {place[other]:.0f}"
            losses += [_line(axes, conclusion, one, "--", colour, None)]
            losses += [_line(axes, conclusion, other, "-", colour, label)]
        scale_objective(axes, np.concatenate(losses))
        end = _long(conclusion)
        axes.set_xlim(0, end)
        plain_ticks(axes.xaxis, range_ticks(0, end, log=False))
        axes.set_title(f"Dashed: {_short(conclusion):,} steps; solid: {end:,} steps")
        legend_below(figure, axes)
    return figure


def _line(
    axes: Axes, conclusion: xr.Dataset, trial: int, style: str, colour: str, label: str | None
) -> np.ndarray:
    """Draw the training loss of a trial, and return it."""
    steps, losses = line_of(conclusion, trial)
    axes.plot(steps, losses, style, color=colour, linewidth=1.4, label=label)
    return losses


def _pairs(conclusion: xr.Dataset) -> list[Pair]:
    """Return the trials that were trained for both lengths, the best in short training first."""
    number = conclusion["candidate"].values.astype(float)
    purpose = conclusion["purpose"].values.astype(str)
    known = sorted(set(number[np.isfinite(number)].tolist()))
    return [
        (
            int(np.flatnonzero((number == item) & (purpose != "longer"))[0]),
            int(np.flatnonzero((number == item) & (purpose == "longer"))[0]),
        )
        for item in known
    ]


def _correlation(conclusion: xr.Dataset) -> str:
    found, low, high = (
        float(conclusion.attrs[f"rank_correlation{end}"]) for end in ("", "_low", "_high")
    )
    if not np.isfinite(found):
        return "One trial has no ranking"
    return f"Rank correlation {found:.2f} ({low:.2f} to {high:.2f})"


def _short(conclusion: xr.Dataset) -> int:
    return int(conclusion.attrs["max_train_steps"])


def _long(conclusion: xr.Dataset) -> int:
    return int(conclusion.attrs["long_train_steps"])
