"""The basic hyperparameter axis plot: the objective of every trial against one hyperparameter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    direction,
    members,
    ranked,
    trial_id,
    trial_ids,
)
from tuning_playbook.analysis.sampling_scale import (
    SamplingScale,
    choice_place,
    sampling_scale,
    values_tried,
)
from tuning_playbook.analysis.slices import Slice, slices
from tuning_playbook.dataset.searched import Searched
from tuning_playbook.plots.infeasible_band import draw_infeasible, with_room_for_infeasible
from tuning_playbook.plots.points import MANY_POINTS, name_points
from tuning_playbook.plots.scales import log_ticks, plain_ticks
from tuning_playbook.plots.style import (
    BLACK,
    GREY,
    clean,
    legend_below,
    look,
    looks,
    wrapped,
)

TOP = 3
"""So many of the best trials are marked."""

JITTER = 0.5
"""Width over which the trials of one choice are spread, of the distance to the next choice."""


def axis_plot(study: xr.Dataset, searched: Searched, *, slice_count: int | None = None) -> Figure:
    """Plot the objective of every trial against a searched hyperparameter.

    The hyperparameter has its sampling scale; the ends of its range are drawn. Infeasible trials
    are red crosses in a band on the bad side of the objective. The best three trials are numbered,
    and the legend gives their ids. Trials of one choice are spread a little to be told apart,
    always in the same way. Of a scientific hyperparameter, which makes no arms where it is sampled
    over a range, the best trial of each slice of the range is a bar: its isolation plot.

    Source: playbook, "Identifying bad search space boundaries" and "Automate generically useful
    plots".

    Args:
        study: The study.
        searched: One of its searched hyperparameters, as `read_searched` gives them.
        slice_count: Into how many slices the range of a scientific hyperparameter is parted; as
            many as its trials bear if left out.
    """
    with look():
        figure = Figure()
        axes = figure.add_subplot()
        scale = sampling_scale(study, searched)
        choices = () if scale else values_tried(study, searched)
        across = (
            _places_of_choices(study, searched, choices)
            if scale is None
            else study[searched.variable].values.astype(float)
        )
        arms = [arm for arm in arm_names(study) if arm in searched.arms]
        everyone = np.concatenate([np.empty(0, dtype=np.int64), *(members(study, a) for a in arms)])
        everyone = everyone[np.isfinite(across[everyone])]
        best_first = ranked(study)
        best_first = best_first[np.isin(best_first, everyone)]
        objective = study["objective"].values.astype(float)
        bad_side_up = direction(study) > 0
        lost = np.setdiff1d(everyone, best_first)
        with_room_for_infeasible(axes, objective[best_first], len(lost), top=bad_side_up)
        if scale is None:
            _choices(axes, choices)
        else:
            _range(axes, scale)
        names = trial_ids(study, lost)
        draw_infeasible(axes, across[lost], top=bad_side_up, trials=names)
        for arm, arm_look in looks(arm_names(study)).items():
            shown = np.intersect1d(members(study, arm), best_first)
            if len(shown):
                axes.scatter(
                    across[shown],
                    objective[shown],
                    s=34,
                    color=arm_look.color,
                    marker=arm_look.marker,
                    edgecolors="white",
                    linewidths=0.5,
                    rasterized=len(shown) > MANY_POINTS,
                    label=clean(arm),
                    zorder=3,
                )
        _mark_best(axes, study, across, best_first[:TOP])
        ids = trial_ids(study, best_first)
        name_points(axes, ids, across[best_first], objective[best_first])
        if searched.role == "scientific":
            _draw_slices(axes, slices(study, searched, slice_count))
        axes.set_title(clean(searched.label))
        axes.set_xlabel(clean(searched.name))
        axes.set_ylabel(wrapped(f"best {study.attrs['objective_metric']}", 34))
        legend_below(figure, axes)
    return figure


def _draw_slices(axes: Axes, parts: Sequence[Slice]) -> None:
    """Draw the best objective in each slice of the range as a bar over its width."""
    for part in parts:
        axes.axvline(part.high, color=GREY, linewidth=0.6, zorder=1)
        if part.objective is not None:
            axes.plot(
                [part.low, part.high],
                [part.objective, part.objective],
                color=BLACK,
                linewidth=2.0,
                label="best trial of each slice",
                zorder=2,
            )


def _range(axes: Axes, scale: SamplingScale) -> None:
    """Draw the horizontal axis over a range, with both of its ends."""
    if scale.log:
        axes.set_xscale("log")
        margin = (scale.high / scale.low) ** 0.05
        axes.set_xlim(scale.low / margin, scale.high * margin)
        ticks = log_ticks(scale.low, scale.high)
        plain_ticks(axes.xaxis, [t for t in ticks if scale.low / 1.01 <= t <= scale.high * 1.01])
    else:
        margin = 0.05 * (scale.high - scale.low)
        axes.set_xlim(scale.low - margin, scale.high + margin)
    for end in (scale.low, scale.high):
        axes.axvline(end, color=GREY, linestyle=":", linewidth=1.2, zorder=1)


def _choices(axes: Axes, choices: Sequence[Any]) -> None:
    """Draw the horizontal axis over the values of a choice."""
    count = max(1, len(choices))
    labels = [wrapped(str(choice), max(6, 48 // count)) for choice in choices]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.5, count - 0.5)
    axes.grid(visible=False, axis="x")


def _places_of_choices(study: xr.Dataset, searched: Searched, choices: Sequence[Any]) -> Floats:
    """Return where the trials of a choice stand: at the choice's number, spread a little."""
    places = np.full(study.sizes["trial"], np.nan)
    seen = [0] * len(choices)
    values = study[searched.variable].values
    for trial in np.argsort(study["index"].values, kind="stable"):
        place = choice_place(values[trial], choices)
        if place is not None:
            seen[place] += 1
            places[trial] = place + JITTER * (_van_der_corput(seen[place]) - 0.5)
    return places


def _van_der_corput(number: int) -> float:
    """Return the `number`-th point of an even spread over [0, 1): 1/2, 1/4, 3/4, 1/8, ..."""
    point, weight = 0.0, 0.5
    while number:
        point += weight * (number % 2)
        number //= 2
        weight /= 2
    return point


def _mark_best(axes: Axes, study: xr.Dataset, across: Floats, best: Indices) -> None:
    """Number the best trials and name them in the legend."""
    objective = study["objective"].values
    for rank, trial in enumerate(best, start=1):
        arm = clean(str(study["arm"].values[trial]), 36)
        axes.scatter(
            across[trial],
            objective[trial],
            s=130,
            facecolors="none",
            edgecolors=BLACK,
            linewidths=1.3,
            label=f"{rank}: {trial_id(study, trial)}, {objective[trial]:.4g} ({arm})",
            zorder=4,
        )
        axes.annotate(
            str(rank),
            (across[trial], objective[trial]),
            xytext=(7, 5),
            textcoords="offset points",
            fontweight="bold",
            zorder=5,
        )
