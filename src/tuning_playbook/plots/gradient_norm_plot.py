"""Gradient norms: against the step, and how often each size occurred."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import arm_names, arms_by_best, best_trials, trial_id
from tuning_playbook.plots.scales import log_ticks, plain_ticks, tick_label
from tuning_playbook.plots.style import WIDTH, Look, clean, legend_below, look, looks

MOST_ARMS = 8
"""Lines of more arms could not be distinguished."""


def gradient_norm_plot(study: xr.Dataset, numbers: Mapping[str, Any]) -> Figure:
    """Plot the unclipped gradient norms of the best trial of each arm.

    Above, the mean norm of each window of steps is a line and the largest one a dot; below is the
    histogram over all steps. The threshold that is proposed to clip at is a line in both; where
    none is, the histogram has the 90th percentile. The legend has its value. Of many arms those
    with the best trials are drawn.

    Source: playbook, "Gradient clipping": a plot of gradient norm against step, and a histogram
    of gradient norms aggregated over all steps.

    Args:
        study: The study.
        numbers: Those of the finding of `analysis.gradient_norms.gradient_norms`; empty where the
            norms were not logged.
    """
    proposed = {row["arm"]: row["proposed_clip_norm"] for row in numbers.get("arms", ())}
    arm_looks = looks(arm_names(study))
    bests = best_trials(study)
    best_first = arms_by_best(study)
    shown = [arm for arm in bests if arm in best_first[:MOST_ARMS]]
    with look():
        figure = Figure(figsize=(WIDTH, 5.2))
        above, below = figure.subplots(2)
        for arm in shown:
            trial, arm_look = bests[arm], arm_looks[arm]
            label = clean(f"{arm}: {trial_id(study, trial)}", 48)
            _against_step(above, study, trial, arm_look, label)
            _histogram(below, study, trial, arm_look)
            _threshold((above, below), study, trial, arm_look, proposed.get(arm))
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
    steps = study["train_step"].values
    norms = {
        name: study[name].transpose("trial", "train_step").values[trial].astype(float)
        for name in ("grad_norm", "grad_norm_max")
        if name in study
    }
    norms = {name: values for name, values in norms.items() if np.isfinite(values).any()}
    if "grad_norm" not in norms or not (norms["grad_norm"] > 0).any():
        return
    axes.set_yscale("log")
    # Without a largest one they are the norms of single steps, as other tools log them.
    mean = f"{label}, mean of a window" if "grad_norm_max" in norms else label
    axes.plot(steps, norms["grad_norm"], color=arm_look.color, linewidth=1.3, label=mean)
    if "grad_norm_max" in norms:
        axes.plot(
            steps,
            norms["grad_norm_max"],
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


def _threshold(
    panels: tuple[Axes, Axes],
    study: xr.Dataset,
    trial: int,
    arm_look: Look,
    proposed: float | None,
) -> None:
    """Draw the threshold to clip at, or else the percentile that one begins with."""
    above, below = panels
    value, name = proposed, "clip at"
    if proposed is not None:
        above.axhline(proposed, color=arm_look.color, linestyle="--", linewidth=1.0)
    elif "grad_norm_p90" in study:
        value, name = float(study["grad_norm_p90"].values[trial]), "90 % lie below"
    if value is not None and np.isfinite(value):
        below.axvline(
            value,
            color=arm_look.color,
            linestyle="--",
            linewidth=1.2,
            label=f"{name} {tick_label(value, 2)}",
        )
