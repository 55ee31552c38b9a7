"""What the procedure `warmup` found: figures 6 and 8 of the playbook."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.plots.loss_lines import draw_losses, loss_figure
from tuning_playbook.plots.style import WIDTH, legend_below, look

LENGTH = "hp_warmup_steps"
DURING = ("magnitudes", "warmups")
"""The rounds that compare warmups."""


def warmups(conclusion: xr.Dataset) -> Figure:
    """Plot the training loss during warmups of different lengths (figure 6)."""
    purpose = conclusion["purpose"].values.astype(str)
    chosen: dict[int, int] = {}
    for place in np.flatnonzero(np.isin(purpose, DURING)):
        chosen.setdefault(int(conclusion[LENGTH].values[place]), int(place))
    lengths = sorted(chosen)
    labels = [_length(length) for length in lengths]
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if lengths:
            places = [chosen[length] for length in lengths]
            draw_losses(axes, conclusion, places, labels, log_steps=True)
            rate = float(conclusion.attrs["base_rate"])
            axes.set_title(f"Warmups to a learning rate of {rate:.3g}; dashed: unstable")
        else:
            axes.text(0.5, 0.5, "no warmup was tried", transform=axes.transAxes, ha="center")
        legend_below(figure, axes)
    return figure


def benefit(conclusion: xr.Dataset) -> Figure:
    """Plot the training loss with and without the warmup that was found (figure 8)."""
    purpose = conclusion["purpose"].values.astype(str)
    rate = conclusion["hp_learning_rate"].values
    without = np.flatnonzero(np.isin(purpose, DURING) & (conclusion[LENGTH].values == 0))
    with_it = np.flatnonzero(purpose == "compare")
    before = np.flatnonzero(~np.isin(purpose, (*DURING, "compare", "look")))
    losses = conclusion["loss"].values.astype(float)
    stable = before[np.isfinite(losses[before]) & (conclusion["unstable"].values[before] == 0)]
    places, labels = [], []
    if len(stable):
        best = int(stable[np.argmin(losses[stable])])
        places.append(best)
        labels.append(f"no warmup, learning rate {rate[best]:.3g}: the baseline")
    if len(without):
        places.append(int(without[0]))
        labels.append(f"no warmup, learning rate {rate[without[0]]:.3g}")
    if len(with_it):
        place = int(with_it[0])
        places.append(place)
        length = int(conclusion[LENGTH].values[place])
        labels.append(f"{_length(length)}, learning rate {rate[place]:.3g}")
    title = "One learning rate without and with warmup" if len(with_it) else ""
    return loss_figure(conclusion, places, labels, title=title)


def _length(steps: int) -> str:
    """Write the length of a warmup."""
    if not steps:
        return "no warmup"
    return "1 step of warmup" if steps == 1 else f"{steps:,} steps of warmup"
