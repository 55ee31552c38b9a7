"""Gradient norms: against the step, and how often each size occurred."""

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import arm_names, best_trials, ranked, trial_id
from tuning_playbook.plots.scales import log_ticks, plain_ticks, tick_label
from tuning_playbook.plots.style import WIDTH, Look, clean, legend_below, look, looks

MOST_ARMS = 8
"""Lines of more arms could not be told apart."""


def gradient_norm_plot(study: xr.Dataset) -> Figure:
    """Plot the unclipped gradient norms of the best trial of each arm.

    Above, the mean norm of each window of steps is a line and the largest one a dot; below is the
    histogram over all steps, with the 90th percentile, the threshold to clip at, as a line whose
    value is in the legend. Of many arms those with the best trials are drawn.

    Source: playbook, "Gradient clipping": a plot of gradient norm against step, and a histogram
    of gradient norms aggregated over all steps.
    """
    arm_looks = looks(arm_names(study))
    bests = best_trials(study)
    by_best = ranked(study)
    best_first = sorted(bests, key=lambda arm: list(by_best).index(bests[arm]))
    shown = [arm for arm in bests if arm in best_first[:MOST_ARMS]]
    with look():
        figure = Figure(figsize=(WIDTH, 5.2))
        above, below = figure.subplots(2)
        for arm in shown:
            _against_step(above, study, bests[arm], arm_looks[arm], _label(study, arm, bests[arm]))
            _histogram(below, study, bests[arm], arm_looks[arm])
        if len(shown) < len(bests):
            above.set_title(f"The {len(shown)} arms with the best trials, of {len(bests)}")
        nothing = "no gradient norm was logged" if bests else "no feasible trial"
        _finish(above, above.yaxis, "" if above.lines else nothing)
        _finish(below, below.xaxis, "" if below.patches else nothing)
        above.set_xlabel("step")
        above.set_ylabel("gradient norm")
        above.set_xlim(0, float(study.attrs["max_train_steps"]))
        below.set_xlabel("gradient norm")
        below.set_ylabel("share of steps")
        legend_below(figure, above, below)
    return figure


def _label(study: xr.Dataset, arm: str, trial: int) -> str:
    """Name the trial of an arm, and the threshold that its norms give."""
    label = clean(f"{arm}: {trial_id(study, trial)}", 48)
    p90 = float(study["grad_norm_p90"].values[trial]) if "grad_norm_p90" in study else math.nan
    return f"{label}, 90 % below {tick_label(p90, 2)}" if np.isfinite(p90) else label


def _finish(axes: Axes, axis: Axis, nothing: str) -> None:
    """Put plain ticks on the axis of the norms, or say why nothing is drawn."""
    if nothing:
        axes.text(0.5, 0.5, nothing, transform=axes.transAxes, ha="center")
        axes.set_xticks([])
        axes.set_yticks([])
        return
    low, high = (float(end) for end in axis.get_view_interval())
    plain_ticks(axis, [tick for tick in log_ticks(low, high) if low <= tick <= high])


def _against_step(axes: Axes, study: xr.Dataset, trial: int, arm_look: Look, label: str) -> None:
    if not {"grad_norm", "grad_norm_max"} <= set(study.data_vars):
        return
    steps = study["train_step"].values
    mean, largest = (
        study[name].transpose("trial", "train_step").values[trial].astype(float)
        for name in ("grad_norm", "grad_norm_max")
    )
    if not (mean > 0).any():
        return
    axes.set_yscale("log")
    axes.plot(steps, mean, color=arm_look.color, linewidth=1.3, label=label)
    axes.plot(
        steps,
        largest,
        color=arm_look.color,
        marker=".",
        markersize=3,
        linestyle="none",
        alpha=0.6,
        label="largest norm of a window",
    )


def _histogram(axes: Axes, study: xr.Dataset, trial: int, arm_look: Look) -> None:
    if "grad_norm_count" not in study:
        return
    counts = study["grad_norm_count"].transpose("trial", "grad_norm_bin").values[trial]
    low = study["grad_norm_bin"].values
    edges = np.append(low, low[-1] ** 2 / low[-2])
    taken = np.flatnonzero(counts)
    if not len(taken):
        return
    axes.set_xscale("log")
    shown = slice(taken[0], taken[-1] + 1)
    axes.stairs(
        counts[shown] / counts.sum(),
        edges[shown.start : shown.stop + 1],
        color=arm_look.color,
        linewidth=1.5,
    )
    p90 = float(study["grad_norm_p90"].values[trial])
    if np.isfinite(p90):
        axes.axvline(
            p90,
            color=arm_look.color,
            linestyle="--",
            linewidth=1.2,
            label="90 % of the norms lie below",
        )
