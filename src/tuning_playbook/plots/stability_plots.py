"""What the procedure `stability` found: figures 5 and 7 of the playbook."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.loss_lines import draw_losses, line_of
from tuning_playbook.plots.scales import plain_ticks, range_ticks, scale_objective
from tuning_playbook.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    clean,
    legend_below,
    look,
)

RATE = "hp_learning_rate"

MOST_LINES = 6
"""Curves in one plot: more hide each other."""

HIGHLIGHTED = (5.0, 10.0)
"""Multiples of the best rate at which an instability is to be seen (playbook, "When to apply
learning rate warmup")."""


def training(conclusion: xr.Dataset) -> Figure:
    """Plot the training loss at the best learning rate and above it (figure 7b).

    One line is thick: the unstable trial whose rate is nearest to 5 to 10 times the best one, or
    the one at the highest rate where none is unstable.
    """
    best = float(conclusion.attrs["best_rate"])
    rate, purpose = conclusion[RATE].values, conclusion["purpose"].values.astype(str)
    whole = purpose != "look"
    above = [int(place) for place in np.flatnonzero(whole & (rate >= best * 0.999))]
    chosen = sorted(_first_of_each(above, rate), key=lambda place: rate[place])
    bad = conclusion["unstable"].values.astype(bool)
    thick = _highlighted(chosen, rate / best, bad) if chosen else None
    if len(chosen) > MOST_LINES:
        others = [place for place in chosen if place != thick]
        kept = np.unique(np.linspace(0, len(others) - 1, MOST_LINES - 1).astype(int))
        shown = {thick, *(others[place] for place in kept)}
        chosen = [place for place in chosen if place in shown]
    labels = [f"{rate[place]:.3g} ({rate[place] / best:.3g} x best)" for place in chosen]
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if thick is not None:
            draw_losses(axes, conclusion, chosen, labels, thick=thick, linear=True)
            times = rate[thick] / best
            axes.set_title(f"Thick: {times:.3g} x the best learning rate; dashed: unstable")
        else:
            axes.text(0.5, 0.5, "no best rate", transform=axes.transAxes, ha="center")
        legend_below(figure, axes)
    return figure


def rates(conclusion: xr.Dataset) -> Figure:
    """Plot the objective against the learning rate, with the unstable rates (figure 7a)."""
    rate, loss = conclusion[RATE].values, conclusion["loss"].values.astype(float)
    whole = conclusion["purpose"].values.astype(str) != "look"
    bad = conclusion["unstable"].values.astype(bool)
    shown = loss if conclusion.attrs["mode"] == "min" else -loss
    feasible = whole & np.isfinite(loss)
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        axes.set_xscale("log")
        scale_objective(axes, shown[feasible], above=0.12)
        top = axes.get_ylim()[1]
        for chosen, colour, marker, label in (
            (feasible & ~bad, BLUE, "o", "stable"),
            (feasible & bad, VERMILION, "v", "unstable, with a best value"),
        ):
            if chosen.any():
                axes.plot(rate[chosen], shown[chosen], marker, color=colour, label=label)
        lost = whole & ~feasible
        if lost.any():
            height = np.full(int(lost.sum()), 0.96)
            across = axes.get_xaxis_transform()
            axes.plot(
                rate[lost], height, "x", color=VERMILION, label="infeasible", transform=across
            )
        unstable = float(conclusion.attrs["unstable_rate"])
        if np.isfinite(unstable):
            text = f"unstable from {unstable:.3g}"
            axes.axvspan(unstable, float(rate[whole].max()) * 1.3, color=VERMILION, alpha=0.1)
            axes.axvline(unstable, color=VERMILION, linestyle="--", label=text)
        best = float(conclusion.attrs["best_rate"])
        if np.isfinite(best):
            axes.axvline(best, color=GREY, linestyle=":", label=f"best rate {best:.3g}")
        low, high = float(rate[whole].min()) / 1.3, float(rate[whole].max()) * 1.3
        axes.set_xlim(low, high)
        axes.set_ylim(top=top)
        plain_ticks(axes.xaxis, range_ticks(low, high, log=True))
        axes.set_xlabel("learning rate")
        axes.set_ylabel(clean(str(conclusion.attrs["objective"]), 32))
        legend_below(figure, axes)
    return figure


def early_look(conclusion: xr.Dataset) -> Figure:
    """Plot the first steps at twice the best rate, seen seldom and at every step (figure 5)."""
    places = np.flatnonzero(conclusion["purpose"].values.astype(str) == "look")
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        axes.set_xlabel("step")
        axes.set_ylabel("training loss")
        if not len(places):
            axes.text(0.5, 0.5, "no early look", transform=axes.transAxes, ha="center")
            return figure
        steps, losses = line_of(conclusion, int(places[0]))
        every = int(conclusion.attrs["eval_every"])
        axes.plot(steps, losses, color=ORANGE, linewidth=1.0, label="every step")
        regular = (steps % every == 0) | (steps == steps[0])
        text = f"as evaluations every {every:,} steps show it"
        axes.plot(steps[regular], losses[regular], "o-", color=GREEN, label=text)
        scale_objective(axes, losses)
        axes.set_xlim(0, float(steps[-1]))
        plain_ticks(axes.xaxis, range_ticks(0, float(steps[-1]), log=False))
        rate = float(conclusion[RATE].values[places[0]])
        axes.set_title(f"Learning rate {rate:.3g}, twice the best")
        legend_below(figure, axes)
    return figure


def _highlighted(trials: list[int], times: Floats, unstable: NDArray[np.bool_]) -> int:
    """Return the trial whose line is to be seen first.

    Args:
        trials: The positions of those that are drawn, by rising rates; one at least.
        times: The rate of each trial as a multiple of the best one: [trial].
        unstable: [trial].
    """
    low, high = HIGHLIGHTED
    lost = [place for place in trials if unstable[place]]
    return min(
        lost or trials[-1:],
        key=lambda place: abs(np.log(np.clip(times[place], low, high) / times[place])),
    )


def _first_of_each(places: list[int], rate: np.ndarray) -> list[int]:
    """Return the first place of each rate."""
    found: dict[float, int] = {}
    for place in places:
        found.setdefault(float(f"{rate[place]:.6g}"), place)
    return list(found.values())
