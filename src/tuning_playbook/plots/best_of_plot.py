"""The best objective against the number of trials: what a budget buys."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.best_of import BestOf, Budget
from tuning_playbook.plots.scales import scale_objective, tick_label
from tuning_playbook.plots.style import WIDTH, Look, clean, legend_below, look, looks, wrapped

ROOM = 0.8
"""Part of the distance between two budgets that the boxes of all arms share."""

BOX = 0.13
"""Inches that a box needs at least."""

ROOM_FOR_DIGITS = 28
"""Of all numbers of trials under the axis side by side; longer ones are slanted."""


def best_of_plot(study: xr.Dataset, arms: Sequence[BestOf]) -> Figure:
    """Plot the objective of the best of 1, 2, 4, ... trials of each arm as boxes.

    A box reaches from the first to the third quartile of what so many trials, drawn again and again
    from the arm's, have as their best; its whiskers hold 90 %. Where none of them is feasible
    too often for an end the whisker, or the whole box, is missing. The legend says what doubling
    the budget once more is expected to gain.

    Source: playbook, figure 3.

    Args:
        study: The study, for the name of its objective.
        arms: What `analysis.best_of.best_of` gives.
    """
    sizes = sorted({budget.trials for arm in arms for budget in arm.budgets})
    arm_looks = looks([arm.arm for arm in arms])
    with look():
        figure = Figure(figsize=(max(WIDTH, BOX * len(arms) * len(sizes)), 3.8))
        axes = figure.add_subplot()
        width = ROOM / max(1, len(arms))
        for number, arm in enumerate(arms):
            aside = (number - (len(arms) - 1) / 2) * width
            places = [sizes.index(budget.trials) + aside for budget in arm.budgets]
            if _draw(axes, arm, places, width, arm_looks[arm.arm]):
                _name(axes, arm, arm_looks[arm.arm])
        if not axes.lines:
            axes.text(0.5, 0.5, "too few feasible trials", transform=axes.transAxes, ha="center")
        shown = [value for arm in arms for budget in arm.budgets for value in budget.quantiles]
        scale_objective(axes, np.array([np.nan if value is None else value for value in shown]))
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        if sum(len(str(size)) for size in sizes) > ROOM_FOR_DIGITS:
            axes.tick_params(axis="x", labelrotation=45)
        axes.set_xlim(-0.6, max(1, len(sizes)) - 0.4)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("number of trials")
        axes.set_ylabel(wrapped(f"best {study.attrs['objective_metric']}", 34))
        axes.set_title("Best objective against the number of trials")
        legend_below(figure, axes)
    return figure


def _draw(axes: Axes, arm: BestOf, places: Sequence[float], width: float, arm_look: Look) -> bool:
    """Draw the boxes of an arm, and return whether there is any."""
    drawn = False
    for place, budget in zip(places, arm.budgets, strict=True):
        stats = _box(budget)
        if stats is None:
            continue
        drawn = True
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
    return drawn


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
