"""How much of the variance of the objective each hyperparameter, and each pair, is owed to."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.plots.style import BLACK, BLUE, SKY, WIDTH, clean, legend_below, look, wrapped

MOST_PAIRS = 5
"""The largest interactions are drawn; many hyperparameters have too many pairs to read."""

NAME, PART = 26, 14
"""Letters of a name beside its bar, and of each of two: longer ones leave the bars no room."""

BAR = 0.26
"""Inches that a bar takes."""


def importance_plot(numbers: Mapping[str, Any]) -> Figure:
    """Plot the Sobol indices of each arm's hyperparameters, and of their largest interactions.

    The light bar is a hyperparameter's total index with its 95 % interval, the dark one within it
    what it explains alone; below them are the largest interactions. An arm of which nothing can be
    said says so instead.

    Source: playbook, "Extracting insight from experimental results".

    Args:
        numbers: Those of the finding of `analysis.importance.importance`.
    """
    arms = numbers["arms"]
    rows = {arm["arm"]: _rows(arm["arm"], numbers) if arm["told"] else [] for arm in arms}
    heights = [max(2, len(bars)) * BAR + 0.5 for bars in rows.values()]
    with look():
        figure = Figure(figsize=(WIDTH, max(1.6, sum(heights) + 0.6)))
        panels = figure.subplots(
            max(1, len(arms)), sharex=True, squeeze=False, height_ratios=heights or None
        )[:, 0]
        for axes in panels:
            axes.set_xlim(0, 1.02)
            axes.grid(visible=False, axis="y")
        for axes, (arm, bars) in zip(panels, rows.items(), strict=False):
            axes.set_title(wrapped(arm, 48, 1))
            _draw(axes, bars)
        if not arms:
            _draw(panels[0], [])
        panels[-1].set_xlabel("share of the variance")
        told = next((axes for axes, bars in zip(panels, rows.values(), strict=False) if bars), None)
        if told is not None:
            legend_below(figure, told)
    return figure


def _rows(arm: str, numbers: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the label and the indices of each bar, from the top."""
    alone = [
        (clean(row["hyperparameter"], NAME), row)
        for row in numbers["hyperparameters"]
        if row["arm"] == arm
    ]
    pairs = [
        (" × ".join(clean(name, PART) for name in row["hyperparameters"]), row)
        for row in numbers["pairs"]
        if row["arm"] == arm
    ]
    return alone + pairs[:MOST_PAIRS]


def _draw(axes: Axes, bars: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.set_ylim(max(1, len(bars)) - 0.4, -0.6)
    if not bars:
        axes.text(0.02, 0.2, "too little is predicted to tell", va="center")
    for place, (_, row) in enumerate(bars):
        pair = "index" in row
        value, low, high = (
            (row["index"], row["low"], row["high"])
            if pair
            else (row["total"], row["total_low"], row["total_high"])
        )
        label = "interaction of two" if pair else "with all its interactions (total index)"
        axes.barh(
            place,
            value,
            height=0.7,
            color="white" if pair else SKY,
            edgecolor=BLUE,
            hatch="///" if pair else None,
            label=label,
        )
        if not pair:
            axes.barh(place, row["main"], height=0.35, color=BLUE, label="alone (main index)")
        axes.errorbar(
            value,
            place,
            xerr=[[max(0.0, value - low)], [max(0.0, high - value)]],
            color=BLACK,
            capsize=3,
            linewidth=1.2,
            linestyle="none",
            label="95 % interval",
        )
