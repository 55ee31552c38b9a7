"""How much of the variance of the objective is due to each hyperparameter, and each pair."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.plots.style import (
    BLACK,
    BLUE,
    SKY,
    WIDTH,
    clean,
    fitted,
    legend_below,
    look,
    text_width,
)

MOST_PAIRS = 5
"""The largest interactions are drawn; many hyperparameters have too many pairs to read."""

NAME, PART = 26, 18
"""Letters of a name beside its bar, and of each of two: longer ones leave the bars no room."""

NOTHING_TOLD = "too little is predicted"

BAR, LINE, EDGES = 0.26, 0.2, 0.4
"""Inches that a bar takes, a further line of a title, and the edges of the picture."""


Bars = Sequence[tuple[str, Mapping[str, Any] | str]]
"""The label of each row of a panel, with the indices of its bar or what is said in its place."""


def importance_plot(numbers: Mapping[str, Any]) -> Figure:
    """Plot the Sobol indices of each arm's hyperparameters, and of their largest interactions.

    The light bar is a hyperparameter's total index with its 95 % interval, the dark one within it
    what it explains alone; below them are the largest interactions, and the hyperparameters that
    are left out because some trials lack them. An arm of which nothing can be said says so instead.
    Its good region, and the trials that have what others lack, have panels of their own.

    Source: playbook, "Extracting insight from experimental results".

    Args:
        numbers: Those of the finding of `analysis.importance.importance`.
    """
    rows = _panels(numbers)
    beside = max((text_width(label) for _, bars in rows for label, _ in bars), default=0.0)
    titles = [fitted(title, WIDTH - EDGES - beside, 12) for title, _ in rows]
    heights = [
        max(2, len(bars)) * BAR + 0.5 + LINE * title.count("\n")
        for title, (_, bars) in zip(titles, rows, strict=True)
    ]
    with look():
        figure = Figure(figsize=(WIDTH, max(1.6, sum(heights) + 0.6)))
        panels = figure.subplots(
            max(1, len(rows)), sharex=True, squeeze=False, height_ratios=heights or None
        )[:, 0]
        for axes in panels:
            axes.set_xlim(0, 1.02)
            axes.grid(visible=False, axis="y")
        for axes, title, (_, bars) in zip(panels, titles, rows, strict=False):
            axes.set_title(title)
            _draw(axes, bars)
        if not rows:
            _draw(panels[0], [])
        panels[-1].set_xlabel("share of the variance")
        told = next((axes for axes in panels if axes.patches), None)
        if told is not None:
            legend_below(figure, told)
    return figure


def _panels(numbers: Mapping[str, Any]) -> list[tuple[str, Bars]]:
    """Return the title and the rows of each panel, from the top."""
    panels: list[tuple[str, Bars]] = []
    for arm in numbers["arms"]:
        name = arm["arm"]
        of_arm = {
            key: [row for row in numbers[key] if row["arm"] == name]
            for key in ("hyperparameters", "pairs", "left_out", "parts")
        }
        bars = _rows(of_arm) if arm["told"] else []
        left_out = [
            (
                clean(row["hyperparameter"], NAME),
                f"left out: {row['trials']} of {row['feasible']} trials have it",
            )
            for row in of_arm["left_out"]
        ]
        panels.append((name, [*(bars or [("", NOTHING_TOLD)] if left_out else bars), *left_out]))
        panels += [
            (f"{name}, {part['part']}", _rows(part) if part["told"] else [])
            for part in of_arm["parts"]
        ]
    return panels


def _rows(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | str]]:
    """Return the label and the indices of each bar, from the top."""
    alone = [(clean(row["hyperparameter"], NAME), row) for row in found["hyperparameters"]]
    pairs = [
        (" × ".join(clean(name, PART) for name in row["hyperparameters"]), row)
        for row in found["pairs"]
    ]
    return alone + pairs[:MOST_PAIRS]


def _draw(axes: Axes, bars: Bars) -> None:
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.set_ylim(max(1, len(bars)) - 0.4, -0.6)
    if not bars:
        axes.text(0.02, 0.2, NOTHING_TOLD, va="center")
    for place, (_, row) in enumerate(bars):
        if isinstance(row, str):
            axes.text(0.02, place, row, va="center")
            continue
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
