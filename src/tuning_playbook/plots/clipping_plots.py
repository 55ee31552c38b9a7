"""What the procedure `clipping` found: figure 9 of the playbook, and what clipping changes."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.plots.loss_lines import loss_figure, values_of
from tuning_playbook.plots.scales import plain_ticks, range_ticks, scale_objective
from tuning_playbook.plots.style import BLACK, BLUE, GREY, VERMILION, WIDTH, legend_below, look

RATE, CLIP = "hp_learning_rate", "hp_clip_norm"


def gradients(conclusion: xr.Dataset) -> Figure:
    """Plot the gradient norms of the unclipped trials against the step (figure 9).

    The norm to clip at is a line, and so is the norm below which more than half of the steps would
    be clipped.
    """
    places = {"stable": _marked(conclusion, "is_good")}
    places["unstable"] = _marked(conclusion, "is_at_unstable_rate")
    shown = []
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        for (name, place), colour in zip(places.items(), (BLUE, VERMILION), strict=True):
            if place is None:
                continue
            steps, norms_seen = values_of(conclusion, place, "grad_norm")
            rate = float(conclusion[RATE].values[place])
            label = f"not clipped, {name}: learning rate {rate:.3g}"
            axes.plot(steps, norms_seen, color=colour, linewidth=1.3, label=label)
            shown.append(norms_seen)
        if not any(len(seen) for seen in shown):
            axes.text(0.5, 0.5, "no gradient norms", transform=axes.transAxes, ha="center")
            return figure
        for key, label, colour, line in (
            ("clip_norm", "clip norm", BLACK, "--"),
            ("aggressive_clip_norm", "too aggressive: half of the steps lie above", GREY, ":"),
        ):
            value = float(conclusion.attrs[key])
            if np.isfinite(value):
                axes.axhline(value, color=colour, linestyle=line, label=f"{label} {value:.3g}")
                shown.append(np.array([value]))
        scale_objective(axes, np.concatenate(shown))
        end = float(conclusion.attrs["max_train_steps"])
        axes.set_xlim(0, end)
        plain_ticks(axes.xaxis, range_ticks(0, end, log=False))
        axes.set_xlabel("step")
        axes.set_ylabel("gradient norm")
        legend_below(figure, axes)
    return figure


def norms(conclusion: xr.Dataset) -> Figure:
    """Plot the histograms of the gradient norms of the good and the unstable trial."""
    places = {"good": _marked(conclusion, "is_good")}
    places["unstable"] = _marked(conclusion, "is_at_unstable_rate")
    with look():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        if "norm_count" not in conclusion or None in places.values():
            axes.text(0.5, 0.5, "no gradient norms", transform=axes.transAxes, ha="center")
            return figure
        bins = conclusion["norm_bin"].values.astype(float)
        edges = np.append(bins, bins[-1] ** 2 / bins[-2])
        seen = np.zeros(len(bins), bool)
        for (name, place), colour in zip(places.items(), (BLUE, VERMILION), strict=True):
            counts = conclusion["norm_count"].values[place].astype(float)
            seen |= counts > 0
            rate = float(conclusion[RATE].values[place])
            label = f"{name} trial, learning rate {rate:.3g}"
            axes.stairs(counts / max(counts.sum(), 1.0), edges, color=colour, label=label)
        low, high = edges[:-1][seen].min(), edges[1:][seen].max()
        for key, label, colour, line in (
            ("first_clip_norm", "first threshold", GREY, ":"),
            ("clip_norm", "clip norm", BLACK, "--"),
        ):
            value = float(conclusion.attrs[key])
            if np.isfinite(value):
                text = f"{label} {value:.3g}"
                axes.axvline(value, color=colour, linestyle=line, label=text)
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        plain_ticks(axes.xaxis, range_ticks(float(low), float(high), log=True))
        axes.set_xlabel("gradient norm")
        axes.set_ylabel("share of the steps")
        legend_below(figure, axes)
    return figure


def clipped(conclusion: xr.Dataset) -> Figure:
    """Plot the training loss without and with clipping."""
    places, labels = [], []
    good = _marked(conclusion, "is_good")
    unstable = _marked(conclusion, "is_at_unstable_rate")
    rate = conclusion[RATE].values
    for place, said in ((good, "not clipped: the baseline"), (unstable, "not clipped")):
        if place is not None:
            places.append(place)
            labels.append(f"learning rate {rate[place]:.3g}, {said}")
    purpose = conclusion["purpose"].values.astype(str)
    chosen = np.isclose(conclusion[CLIP].values, float(conclusion.attrs["clip_norm"]))
    if not chosen.any():  # the lowest norm that was tried
        norms_tried = np.where(purpose == "clipped", conclusion[CLIP].values, np.inf)
        chosen = (norms_tried == norms_tried.min()) & np.isfinite(norms_tried)
    for place in np.flatnonzero((purpose == "clipped") & chosen)[:1]:
        places.append(int(place))
        clip = float(conclusion[CLIP].values[place])
        labels.append(f"learning rate {rate[place]:.3g}, clipped at {clip:.3g}")
    title = "One learning rate without and with clipping" if len(places) > 1 else ""
    return loss_figure(conclusion, places, labels, title=title)


def _marked(conclusion: xr.Dataset, column: str) -> int | None:
    """Return the place of the trial that the conclusion marks; None if there is none."""
    found = np.flatnonzero(conclusion[column].values)
    return int(found[0]) if len(found) else None
