"""The isolation plot: the best trial of each arm, the nuisance hyperparameters optimized away."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.isolation import IsolationPoint
from tuning_playbook.analysis.ranking import Floats, direction, objective_label
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.plots.arm_axis import arm_axes
from tuning_playbook.plots.censored_marks import mark_censored
from tuning_playbook.plots.infeasible_band import draw_infeasible, with_room_for_infeasible
from tuning_playbook.plots.places import Places
from tuning_playbook.plots.points import name_points
from tuning_playbook.plots.style import BLACK, Look, legend_below, look, looks, wrapped

ASIDE = 0.13
"""How far the best trial and its reruns stand to the left and the right of the arm's place."""

SPREAD = 0.04
"""Half the width over which reruns are spread: a coarse metric gives many the same score."""


def isolation_plot(
    study: xr.Dataset,
    points: Sequence[IsolationPoint],
    baseline: TrialVariance | None = None,
) -> Figure:
    """Plot the best trial of each arm with its reruns.

    For each arm the large marker is the best trial of the search, with the interval that another
    search would have its best in (study variance), which runs to the edge of the plot where no
    trial bounds it; the small open markers are the best of the repeats of the search, where it was
    made again. The dots are its reruns, and the bar is the
    95 % interval of their mean. The baseline is a line at the mean of its reruns with
    the interval as a band. An arm without a feasible trial has a red cross on the bad side. A best
    trial, and a rerun, that did not reach the target is an arrow at the last step.

    Source: playbook, "Detecting whether a change is useful with isolation plots".

    Args:
        study: The study, for the name and the direction of its objective.
        points: What `analysis.isolation.isolation` gives.
        baseline: What `analysis.variance.trial_variance` gives for the baseline, if there is one.
    """
    with look():
        figure, places = arm_axes(study, [point.arm for point in points])
        axes = places.axes
        lacking = places.beside([n for n, point in enumerate(points) if point.infeasible])
        top = direction(study) > 0
        last_step = float(study.attrs["max_train_steps"])
        missed = any(point.censored or point.censored_reruns for point in points)
        values = np.append(_values(points, baseline), [last_step] * missed)
        with_room_for_infeasible(axes, values, len(lacking), top=top)
        draw_infeasible(axes, lacking, top=top, what="no feasible trial in the arm")
        arm_looks = looks([point.arm for point in points])
        # Where nothing stands to its right a best trial is at the arm's place itself.
        again = any(point.reruns or point.repeats or point.censored_reruns for point in points)
        left = -ASIDE if again else 0.0
        for place, point in enumerate(points):
            _draw(places, place, point, arm_looks[point.arm], left)
            if point.objective is not None:
                where = places.beside([place], left), np.array([point.objective])
                name_points(axes, [point.trial], *where)
            across = places.beside(place, _spread_out(len(point.reruns)))
            name_points(axes, point.rerun_trials, across, np.array(point.reruns))
            color = arm_looks[point.arm].color
            if point.censored:
                best = np.atleast_1d(places.beside([place], left))
                mark_censored(axes, best, last_step, color=color, trials=[point.trial])
            missing = np.atleast_1d(places.beside(place, _spread_out(point.censored_reruns)))
            mark_censored(axes, missing, last_step, color=color)
        if baseline is not None and baseline.mean is not None:
            known = baseline.low is not None and baseline.high is not None
            label = "baseline: mean of its reruns"
            label += ", 95 % interval as a band" if known else ""
            axes.axhline(baseline.mean, color=BLACK, linestyle="--", label=label)
            if baseline.low is not None and baseline.high is not None:
                axes.axhspan(baseline.low, baseline.high, color=BLACK, alpha=0.1, linewidth=0)
        axes.set_ylabel(wrapped(objective_label(study), 34))
        axes.set_title("Best trial of each arm")
        legend_below(figure, axes)
    return figure


def _values(points: Sequence[IsolationPoint], baseline: TrialVariance | None) -> Floats:
    """Return every value that the plot has to show."""
    values = [
        value
        for point in points
        for value in (
            point.objective,
            point.low,
            point.high,
            point.study_low,
            point.study_high,
            *point.reruns,
            *point.repeats,
        )
    ]
    if baseline is not None:
        values += [baseline.mean, baseline.low, baseline.high]
    return np.array([value for value in values if value is not None], dtype=float)


def _spread_out(reruns: int) -> Floats:
    """Return where that many reruns of an arm stand beside its place."""
    return ASIDE + np.linspace(-SPREAD, SPREAD, reruns)


def _draw(places: Places, place: int, point: IsolationPoint, arm_look: Look, left: float) -> None:
    axes = places.axes
    if point.objective is not None:
        axes.plot(
            places.beside(place, left),
            point.objective,
            color=arm_look.color,
            marker=arm_look.marker,
            markersize=10,
            linestyle="none",
            label="best trial in the search",
            zorder=4,
        )
    ends = [end for end in (point.study_low, point.study_high) if end is not None]
    if ends:
        bottom, top = axes.get_ylim()
        axes.plot(
            places.beside([place] * 2, left),
            [
                bottom if point.study_low is None else point.study_low,
                top if point.study_high is None else point.study_high,
            ],
            color=arm_look.color,
            linewidth=1.4,
            label="best of another search, 90 % interval; open without an end",
            zorder=2,
        )
        axes.plot(
            places.beside([place] * len(ends), left),
            ends,
            color=arm_look.color,
            marker="_",
            markersize=9,
            linestyle="none",
            zorder=2,
        )
    if point.repeats:
        axes.plot(
            places.beside(place, np.linspace(-SPREAD, SPREAD, len(point.repeats)) - 2 * ASIDE),
            point.repeats,
            color=arm_look.color,
            marker=arm_look.marker,
            markerfacecolor="none",
            markersize=6,
            linestyle="none",
            label="best trial of each repeat of the search",
            zorder=3,
        )
    if point.reruns:
        axes.plot(
            places.beside(place, _spread_out(len(point.reruns))),
            point.reruns,
            color=arm_look.color,
            marker=".",
            markersize=8,
            linestyle="none",
            alpha=0.8,
            label="its reruns on fresh seeds",
            zorder=3,
        )
    if point.mean is not None and point.low is not None and point.high is not None:
        axes.errorbar(
            float(places.beside(place, 2 * ASIDE)),
            point.mean,
            yerr=[[point.mean - point.low], [point.high - point.mean]],
            color=BLACK,
            marker="_",
            markersize=12,
            capsize=4,
            label="mean of its reruns, 95 % interval",
            zorder=3,
        )
