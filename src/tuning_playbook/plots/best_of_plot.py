"""The best objective against the number of trials: what a budget buys."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.best_of import BestOf, Budget
from tuning_playbook.analysis.ranking import Floats, objective_label
from tuning_playbook.plots.scales import scale_objective, tick_label
from tuning_playbook.plots.style import GREY, WIDTH, Look, clean, legend_below, look, looks, wrapped

ROOM = 0.8
"""Part of the distance between two budgets that the boxes of all arms share."""

BOX = 0.13
"""Inches that a box needs at least."""

ROOM_FOR_DIGITS = 28
"""Of all numbers of trials under the axis side by side; longer ones are slanted."""

SHADE = 0.15
"""Of a band: those of several arms can be distinguished where they overlap."""

BAND = "95 % band of the whole curve; an edge without a line is open"


def best_of_plot(study: xr.Dataset, arms: Sequence[BestOf]) -> Figure:
    """Plot the objective of the best of 1, 2, 4, ... trials of each arm, as boxes and as a curve.

    Above, a box reaches from the first to the third quartile of what that many trials, drawn again
    and again from the arm's without replacement, have as their best; its whiskers hold 90 %. Where
    none of them is feasible too often for an end the whisker, or the whole box, is missing. The
    legend says what doubling the budget once more is expected to gain.

    Below are the medians, with the band that holds what other searches would find. Where the trials
    do not bound it the band has no edge, and goes on to the best value that the metric can have, or
    out of the plot.

    Source: playbook, figure 3; Lourie et al., 2024, for the curve with its band.

    Args:
        study: The study, for the name of its objective.
        arms: What `analysis.best_of.best_of` gives.
    """
    sizes = sorted({budget.trials for arm in arms for budget in arm.budgets})
    arm_looks = looks([arm.arm for arm in arms])
    with look():
        figure = Figure(figsize=(max(WIDTH, BOX * len(arms) * len(sizes)), 6.2))
        boxes, curves = figure.subplots(2, 1, sharex=True)
        width = ROOM / max(1, len(arms))
        shown = np.concatenate([_shown(arm) for arm in arms])
        for axes in (boxes, curves):
            scale_objective(axes, shown)
            axes.grid(visible=False, axis="x")
            axes.set_ylabel(wrapped(objective_label(study), 34))
        for number, arm in enumerate(arms):
            aside = (number - (len(arms) - 1) / 2) * width
            places = [sizes.index(budget.trials) + aside for budget in arm.budgets]
            if arm.feasible:
                _draw_boxes(boxes, arm, places, width, arm_looks[arm.arm])
                _draw_curve(curves, arm, _places(sizes), arm_looks[arm.arm])
                _name(boxes, arm, arm_looks[arm.arm])
        curves.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        if sum(len(str(size)) for size in sizes) > ROOM_FOR_DIGITS:
            curves.tick_params(axis="x", labelrotation=45)
        curves.set_xlim(-0.6, max(1, len(sizes)) - 0.4)
        curves.set_xlabel("number of trials")
        boxes.set_title("Best of this many of these trials")
        curves.set_title("Median best of this many trials of another search")
        if curves.collections:
            boxes.fill_between([], [], color=GREY, alpha=2 * SHADE, linewidth=0, label=BAND)
        for axes in (boxes, curves):
            if not axes.lines:
                axes.text(0.5, 0.5, "no feasible trial", transform=axes.transAxes, ha="center")
        legend_below(figure, boxes)
    return figure


def _places(sizes: Sequence[int]) -> Callable[[Floats], Floats]:
    """Return what tells where numbers of trials stand between those that have a box."""

    def places(trials: Floats) -> Floats:
        return np.interp(np.log(trials), np.log(sizes), np.arange(len(sizes)))

    return places


def _shown(arm: BestOf) -> Floats:
    """Return the objectives of trials that the plot has to show: [n].

    What the metric can be at the best is none; to show it could leave little room for the trials.
    """
    boxes = _floats([value for budget in arm.budgets for value in budget.quantiles])
    return np.concatenate([boxes, *_known_ends(arm)])


def _known_ends(arm: BestOf) -> tuple[Floats, Floats]:
    """Return the ends of the band that are not open, NaN for the others: [budget] each."""
    curve = arm.curve
    low = np.where(curve.low_open, np.nan, _floats(curve.low))
    return low, np.where(curve.high_open, np.nan, _floats(curve.high))


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _draw_curve(
    axes: Axes, arm: BestOf, places: Callable[[Floats], Floats], arm_look: Look
) -> None:
    curve = arm.curve
    if not curve.trials:
        return
    across = places(np.array(curve.trials, dtype=float))
    bottom, top = axes.get_ylim()
    low, high = _floats(curve.low), _floats(curve.high)
    axes.fill_between(
        across,
        np.where(np.isnan(low), bottom, np.maximum(low, bottom)),
        np.where(np.isnan(high), top, np.minimum(high, top)),
        color=arm_look.color,
        alpha=SHADE,
        linewidth=0,
    )
    for edge in _known_ends(arm):
        axes.plot(across, edge, color=arm_look.color, linewidth=0.8)
    axes.plot(across, _floats(curve.median), color=arm_look.color, linewidth=2.2)


def _draw_boxes(
    axes: Axes, arm: BestOf, places: Sequence[float], width: float, arm_look: Look
) -> None:
    for place, budget in zip(places, arm.budgets, strict=True):
        stats = _box(budget)
        if stats is None:
            continue
        line = {"color": arm_look.color, "linewidth": 1.3}
        axes.bxp(
            [stats],
            positions=[place],
            widths=0.8 * width,
            showfliers=False,
            manage_ticks=False,
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops=line | {"linewidth": 2.2},
        )


def _box(budget: Budget) -> dict[str, float] | None:
    """Return the box, its whisker left out on the side where none drawn may be feasible."""
    better, first, middle, third, worse = budget.quantiles
    if better is None or first is None or middle is None or third is None:
        return None
    ends = (better, third if worse is None else worse)
    return {
        "whislo": min(ends),
        "q1": min(first, third),
        "med": middle,
        "q3": max(first, third),
        "whishi": max(ends),
    }


def _name(axes: Axes, arm: BestOf, arm_look: Look) -> None:
    label = clean(arm.arm, 40)
    if arm.next_doubling is not None:
        label += f": twice as many would gain {tick_label(arm.next_doubling, 2)}"
    axes.plot([], [], color=arm_look.color, marker="s", linestyle="none", label=label)
