"""What the procedure `steps_to_fit` found: the steps to fit the training set, by learning rate."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.plots.censored_marks import ARROW
from tuning_playbook.plots.loss_lines import loss_figure
from tuning_playbook.plots.scales import plain_ticks, range_ticks
from tuning_playbook.plots.style import BLUE, COLOURS, GREY, VERMILION, WIDTH, legend_below, look

RATE = "hp_learning_rate"

MOST_LINES = 5
"""Training losses in one plot."""


def steps(conclusion: xr.Dataset) -> Figure:
    """Plot the steps to fit the training set against the learning rate."""
    rate = conclusion[RATE].values.astype(float)
    fits, trained = conclusion["fit_step"].values, conclusion["trained_steps"].values
    lost = ~np.isfinite(conclusion["loss"].values.astype(float))
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        axes.set_xscale("log")
        for place, length in enumerate(np.unique(trained)):
            here = trained == length
            colour = COLOURS[place % len(COLOURS)]
            found, short = here & np.isfinite(fits), here & ~np.isfinite(fits) & ~lost
            if found.any():
                text = f"fits, trained for {length:,.0f} steps"
                axes.plot(rate[found], fits[found], "o", color=colour, label=text)
            if short.any():
                text = f"does not fit in {length:,.0f} steps"
                at_end = np.full(int(short.sum()), length)
                axes.plot(
                    *(rate[short], at_end, " "),
                    marker=ARROW,
                    markersize=12,
                    markerfacecolor="none",
                    color=colour,
                    label=text,
                )
        axes.set_ylim(0, 1.18 * float(trained.max()))
        if lost.any():
            height, across = np.full(int(lost.sum()), 0.96), axes.get_xaxis_transform()
            label = "infeasible"
            axes.plot(rate[lost], height, "x", color=VERMILION, label=label, transform=across)
        _mark(axes, float(conclusion.attrs["found_rate"]), float(conclusion.attrs["found_steps"]))
        low, high = float(rate.min()) / 1.3, float(rate.max()) * 1.3
        axes.set_xlim(low, high)
        plain_ticks(axes.xaxis, range_ticks(low, high, log=True))
        axes.set_xlabel("learning rate (constant)")
        axes.set_ylabel("steps to fit the training set")
        legend_below(figure, axes)
    return figure


def _mark(axes: Axes, rate: float, found: float) -> None:
    """Mark the answer, if there is one: the steps within which every seed fits at one rate."""
    if not np.isfinite(found):
        return
    axes.axhline(found, color=BLUE, linestyle="--", label=f"every seed fits: {found:,.0f} steps")
    axes.axvline(rate, color=GREY, linestyle=":", label=f"at a rate of {rate:.3g}")


def losses(conclusion: xr.Dataset) -> Figure:
    """Plot the training loss at the rate that was found, and at the rates around it."""
    rate = conclusion[RATE].values.astype(float)
    trained, fits = conclusion["trained_steps"].values, conclusion["fit_step"].values
    longest = np.flatnonzero(trained == trained.max())
    first: dict[float, int] = {}
    for place in longest:
        first.setdefault(float(rate[place]), int(place))
    rates = sorted(first)
    middle = float(conclusion.attrs["found_rate"])
    if not np.isfinite(middle):
        known = [item for item in rates if np.isfinite(fits[first[item]])]
        middle = known[0] if known else rates[len(rates) // 2]
    nearest = sorted(rates, key=lambda item: abs(np.log(item / middle)))[:MOST_LINES]
    places = [first[item] for item in sorted(nearest)]
    labels = [f"{rate[place]:.3g}{_told(fits[place])}" for place in places]
    return loss_figure(conclusion, places, labels)


def _told(step: float) -> str:
    return f", fits after {step:,.0f} steps" if np.isfinite(step) else ", does not fit"
