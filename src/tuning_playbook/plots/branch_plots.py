"""What branches of one run say of larger batch sizes: what they lose to it, and their losses."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.plots.scales import plain_ticks
from tuning_playbook.plots.style import BLACK, BLUE, GREY, ORANGE, WIDTH, legend_below, look

ROOM = 1.3
"""On a logarithmic axis, beyond the outermost values."""

MOST_SHOWN = 3.0
"""An excess above it is drawn there: by how much more a branch loses does not matter."""


def branches(conclusion: xr.Dataset) -> Figure:
    """Plot what each batch size loses to the run, as a part of what is tolerated."""
    sizes = conclusion["batch_size"].values.astype(float)
    excess = conclusion["excess"].values.astype(float)
    critical = float(conclusion.attrs["critical_batch_size"])
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if not np.isfinite(excess[1:]).any():
            axes.text(0.5, 0.5, "no branch was compared", transform=axes.transAxes, ha="center")
            return figure
        axes.set_xscale("log")
        axes.set_xlim(sizes.min() / ROOM, sizes.max() * ROOM)
        plain_ticks(axes.xaxis, sizes.tolist())
        axes.set_xlabel("batch size")
        axes.set_ylabel("lost to the run")
        axes.axhline(1.0, linestyle="--", color=GREY, label="tolerated")
        shown = np.minimum(excess, MOST_SHOWN)
        axes.plot(sizes, shown, "o-", color=BLUE, label="branch, the better learning rate")
        if (excess > MOST_SHOWN).any():
            beyond = excess > MOST_SHOWN
            label = f"more than {MOST_SHOWN:g}, or diverged"
            axes.plot(sizes[beyond], shown[beyond], "^", color=ORANGE, label=label, zorder=3)
        if np.isfinite(critical):
            label = f"critical batch size {critical:,.0f}, an estimate"
            axes.axvline(critical, color=ORANGE, linewidth=1.4, label=label, zorder=1)
        legend_below(figure, axes)
    return figure


def losses(conclusion: xr.Dataset) -> Figure:
    """Plot the training losses of the run and of its branches, scaled by the square root."""
    chosen = np.flatnonzero(conclusion["purpose"].values.astype(str) == "square root")
    with look():
        figure = Figure(figsize=(WIDTH, 3.6))
        axes = figure.subplots()
        if not len(chosen):
            axes.text(0.5, 0.5, "no branch was trained", transform=axes.transAxes, ha="center")
            return figure
        sizes = conclusion["hp_batch_size"].values[chosen]
        for place, size in zip(chosen, sizes, strict=True):
            loss = conclusion["train_loss"].values[place]
            part = (np.log2(size / sizes.min()) + 1) / (np.log2(sizes.max() / sizes.min()) + 1)
            colour, alpha = (BLACK, 1.0) if size == sizes.min() else (BLUE, part)
            label = f"batch size {size:,.0f}"
            steps = conclusion["step"].values[place]
            axes.plot(steps, loss, color=colour, alpha=alpha, label=label)
        axes.axvline(float(conclusion.attrs["branch_step"]), linestyle="--", color=GREY)
        axes.set_xlabel("step of the run")
        axes.set_ylabel("training loss")
        if (conclusion["train_loss"].values[chosen] > 0).any():
            axes.set_yscale("log")
        legend_below(figure, axes)
    return figure
