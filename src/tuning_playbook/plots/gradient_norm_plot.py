"""Gradient norms: against the step, and how often each size occurred."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import arm_names, best_trials, trial_id
from tuning_playbook.plots.scales import log_ticks, plain_ticks, tick_label
from tuning_playbook.plots.style import WIDTH, Look, clean, legend_below, look, looks


def gradient_norm_plot(study: xr.Dataset) -> Figure:
    """Plot the unclipped gradient norms of the best trial of each arm.

    Above, the mean norm of each window of steps is a line and the largest one a dot; below is the
    histogram over all steps, with the 90th percentile, the threshold to clip at, as a line.

    Source: playbook, "Gradient clipping": a plot of gradient norm against step, and a histogram
    of gradient norms aggregated over all steps.
    """
    arm_looks = looks(arm_names(study))
    with look():
        figure = Figure(figsize=(WIDTH, 5.2))
        above, below = figure.subplots(2)
        above.set_yscale("log")
        below.set_xscale("log")
        for place, (arm, trial) in enumerate(best_trials(study).items()):
            label = clean(f"{arm}: {trial_id(study, trial)}", 48)
            _against_step(above, study, trial, arm_looks[arm], label)
            _histogram(below, study, trial, arm_looks[arm], place)
        _logarithmic(above.yaxis, *above.get_ylim())
        _logarithmic(below.xaxis, *below.get_xlim())
        above.set_xlabel("step")
        above.set_ylabel("gradient norm")
        if not above.lines:
            above.text(0.02, 0.9, "no gradient norm was logged", transform=above.transAxes)
        above.set_xlim(0, float(study.attrs["max_train_steps"]))
        below.set_xlabel("gradient norm")
        below.set_ylabel("share of steps")
        legend_below(figure, above)
    return figure


def _logarithmic(axis: Axis, low: float, high: float) -> None:
    ticks = [tick for tick in log_ticks(low, high) if low <= tick <= high]
    plain_ticks(axis, ticks)


def _against_step(axes: Axes, study: xr.Dataset, trial: int, arm_look: Look, label: str) -> None:
    if not {"grad_norm", "grad_norm_max"} <= set(study.data_vars):
        return
    steps = study["train_step"].values
    mean, largest = (
        study[name].transpose("trial", "train_step").values[trial].astype(float)
        for name in ("grad_norm", "grad_norm_max")
    )
    if not np.isfinite(mean).any():
        return
    axes.plot(steps, mean, color=arm_look.color, linewidth=1.3, label=f"{label}, mean of a window")
    axes.plot(
        steps,
        largest,
        color=arm_look.color,
        marker=".",
        markersize=3,
        linestyle="none",
        alpha=0.6,
        label=f"{label}, largest of a window",
    )


def _histogram(axes: Axes, study: xr.Dataset, trial: int, arm_look: Look, place: int) -> None:
    if "grad_norm_count" not in study:
        return
    counts = study["grad_norm_count"].transpose("trial", "grad_norm_bin").values[trial]
    low = study["grad_norm_bin"].values
    edges = np.append(low, low[-1] ** 2 / low[-2])
    taken = np.flatnonzero(counts)
    if not len(taken):
        return
    shown = slice(taken[0], taken[-1] + 1)
    axes.stairs(
        counts[shown] / counts.sum(),
        edges[shown.start : shown.stop + 1],
        color=arm_look.color,
        linewidth=1.5,
    )
    p90 = float(study["grad_norm_p90"].values[trial])
    if np.isfinite(p90):
        axes.axvline(p90, color=arm_look.color, linestyle="--", linewidth=1.2)
        axes.annotate(
            f"90 %: {tick_label(float(f'{p90:.2g}'))}",
            (p90, 0.98 - 0.12 * (place % 6)),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            color=arm_look.color,
            fontsize=9,
            va="top",
        )
