"""Trial variance: every rerun of each arm's best trial and of the baseline."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import direction, objective_label
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.plots.arm_axis import arm_axes
from tuning_playbook.plots.censored_marks import mark_censored
from tuning_playbook.plots.infeasible_band import draw_infeasible, with_room_for_infeasible
from tuning_playbook.plots.places import Places
from tuning_playbook.plots.points import name_points
from tuning_playbook.plots.style import BLACK, GREY, Look, legend_below, look, looks, wrapped
from tuning_playbook.study.study import BASELINE

SPREAD = 0.16
"""Half the width over which the reruns of an arm are spread."""

FEW = 5
"""This many arms without reruns can have the words side by side."""

ASIDE = 0.3
"""How far the search score, and the mean, stand from the arm's place."""


def rerun_plot(study: xr.Dataset, variances: Sequence[TrialVariance]) -> Figure:
    """Plot every rerun as a dot, with the mean and its interval.

    The score that the trial had in the search is an open marker beside the reruns: it is the best
    of many, and so biased by selection. Infeasible reruns are red crosses on the bad side, and
    those that did not reach the target arrows at the last step.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration".

    Args:
        study: The study, for the name and the direction of its objective.
        variances: What `analysis.variance.trial_variance` gives, the baseline included.
    """
    with look():
        figure, places = arm_axes(study, [row.arm for row in variances])
        axes = places.axes
        top = direction(study) > 0
        values = [
            value
            for row in variances
            for value in (row.search_objective, row.low, row.high, *row.feasible)
            if value is not None
        ]
        missing = [
            (row, number, float(places.beside(place, _spread(number, len(row.reruns)))))
            for place, row in enumerate(variances)
            for number, value in enumerate(row.reruns)
            if value is None and not (row.censored and row.censored[number])
        ]
        last_step = float(study.attrs["max_train_steps"])
        values += [last_step] * any(row.missed for row in variances)
        lost = np.array([across for _, _, across in missing])
        ids = [row.trials[number] for row, number, _ in missing if row.trials]
        with_room_for_infeasible(axes, np.array(values, dtype=float), len(lost), top=top)
        draw_infeasible(axes, lost, top=top, what="infeasible rerun", trials=ids)
        arms = [row.arm for row in variances if row.arm != BASELINE]
        arm_looks = looks(arms) | {BASELINE: Look(BLACK, "*")}
        for place, row in enumerate(variances):
            _draw(places, place, row, arm_looks[row.arm])
            missed = [number for number, lost in enumerate(row.censored) if lost]
            across = [places.beside(place, _spread(n, len(row.reruns))) for n in missed]
            mark_censored(
                axes,
                np.array(across, dtype=float).ravel(),
                last_step,
                color=arm_looks[row.arm].color,
                trials=[row.trials[number] for number in missed],
            )
            if not row.reruns:
                axes.text(
                    float(places.beside(place)),
                    0.5,
                    "no reruns",
                    transform=axes.get_xaxis_transform(),
                    ha="center",
                    va="center",
                    rotation=0 if len(variances) <= FEW else 90,
                )
        axes.set_ylabel(wrapped(objective_label(study), 34))
        axes.set_title("Reruns on fresh seeds")
        legend_below(figure, axes)
    return figure


def _spread(number: int, of: int) -> float:
    """Return where a rerun is beside its siblings."""
    return SPREAD * (2 * (number + 0.5) / of - 1)


def _draw(places: Places, place: int, row: TrialVariance, arm_look: Look) -> None:
    axes = places.axes
    if row.search_objective is not None:
        where = places.beside([place], -ASIDE), np.array([row.search_objective])
        name_points(axes, [row.trial], *where)
        axes.plot(
            places.beside(place, -ASIDE),
            row.search_objective,
            color=arm_look.color,
            marker=arm_look.marker,
            markerfacecolor="none",
            markeredgewidth=1.6,
            markersize=9,
            linestyle="none",
            label="score in the search: the best of many, biased by selection",
            zorder=3,
        )
    dots = [
        (float(places.beside(place, _spread(number, len(row.reruns)))), value)
        for number, value in enumerate(row.reruns)
        if value is not None
    ]
    if dots:
        name_points(axes, row.feasible_trials, *np.array(dots).T)
        axes.plot(
            *np.array(dots).T,
            color=arm_look.color,
            marker=arm_look.marker,
            markersize=6,
            linestyle="none",
            label="rerun",
            zorder=3,
        )
    if row.mean is not None and row.low is not None and row.high is not None:
        axes.errorbar(
            float(places.beside(place, ASIDE)),
            row.mean,
            yerr=[[row.mean - row.low], [row.high - row.mean]],
            color=BLACK,
            marker="_",
            markersize=12,
            capsize=4,
            label="mean of the reruns, 95 % interval",
            zorder=3,
        )
    elif row.mean is not None:
        axes.plot(
            places.beside(place, ASIDE),
            row.mean,
            color=GREY,
            marker="_",
            markersize=14,
            linestyle="none",
            label="mean of too few reruns for an interval",
            zorder=3,
        )
