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
    censored,
    collapsed,
    direction,
    members,
    objective_label,
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
from tuning_playbook.plots.censored_marks import SIGN, heights, mark_censored
from tuning_playbook.plots.collapse_marks import mark_collapses
from tuning_playbook.plots.infeasible_band import draw_infeasible, with_room_for_infeasible
from tuning_playbook.plots.infeasible_rows import Rows, mark_rows, rows_of
from tuning_playbook.plots.places import Places, places_of, write_labels
from tuning_playbook.plots.points import MANY_POINTS, name_points
from tuning_playbook.plots.scales import plain_ticks, range_ticks, tick_labels
from tuning_playbook.plots.style import (
    BLACK,
    GREY,
    clean,
    fitted,
    lay_out,
    legend_below,
    look,
    looks,
    wrapped,
)

TITLE = 5.1
"""Inches that there are for a title, or for the name of an axis."""

TOP = 3
"""This many of the best trials are marked."""

JITTER = 0.5
"""Width over which the trials of one choice are spread, of the distance to the next choice."""

MARK, MOST_ASIDE = 0.016, 0.15
"""The width of a trial's mark, and of all equal ones side by side, as parts of the axis."""

SPREAD_OUT = "(trials of one value are spread sideways)"
SIDE_BY_SIDE = "(equal points stand side by side)"

BESIDE_RING, ENOUGH = 10.0, 16.0
"""Points from the middle of a ring to its number, and to the next ring or number."""

DIRECTIONS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1))
"""Where the number of a ring may stand, the usual place first."""


def axis_plot(study: xr.Dataset, searched: Searched, *, slice_count: int | None = None) -> Figure:
    """Plot the objective of every trial against a searched hyperparameter.

    The hyperparameter has its sampling scale; the ends of its range are drawn. Listed numbers have
    an axis of numbers too. Infeasible trials are red crosses in a band on the bad side of the
    objective: of several arms in a row for each, with the arm's mark beside it. Trials that
    collapsed have an open red triangle. One that did not reach the target is an arrow at the last
    step. The best three are numbered, and the legend gives their ids. Trials of one listed value
    are spread a little to be distinguished, always in the same way; of a range, those with the same
    value and objective stand side by side. The plot says which. Of a scientific hyperparameter,
    which makes no arms where it is sampled over a range, the best trial of each slice of the range
    is a bar: its isolation plot.

    Source: playbook, "Identifying bad search space boundaries" and "Automate generically useful
    plots".

    Args:
        study: The study.
        searched: One of its searched hyperparameters, as `read_searched` gives them.
        slice_count: Into how many slices the range of a scientific hyperparameter is divided; as
            many as its trials bear if left out.
    """
    with look():
        figure = Figure()
        axes = figure.add_subplot()
        arms = [arm for arm in arm_names(study) if arm in searched.arms]
        everyone = np.concatenate([np.empty(0, dtype=np.int64), *(members(study, a) for a in arms)])
        best_first = ranked(study)
        best_first = best_first[np.isin(best_first, everyone)]
        objective, missed = heights(study), censored(study)
        top = direction(study) > 0
        lost = np.setdiff1d(everyone, best_first)
        rows = rows_of(study, arms, lost)
        with_room_for_infeasible(axes, objective[best_first], len(lost), top=top, rows=rows.count)
        across, note = _across(figure, axes, study, searched)
        across = np.where(np.isin(np.arange(len(across)), everyone), across, np.nan)
        if not note:
            aside = _side_by_side(axes, across, objective, rows)
            note = SIDE_BY_SIDE if (aside != across).any(where=np.isfinite(across)) else ""
            across = aside
        shown = np.isfinite(across)
        best_first, lost = best_first[shown[best_first]], lost[shown[lost]]
        names = trial_ids(study, lost)
        draw_infeasible(
            axes,
            across[lost],
            top=top,
            what="infeasible, each arm in its row" if rows.arms else "infeasible",
            trials=names,
            row=rows.of_trial[lost],
            rows=rows.count,
        )
        for arm, arm_look in looks(arm_names(study)).items():
            drawn = np.intersect1d(members(study, arm), best_first)
            mark_censored(
                axes,
                across[drawn[missed[drawn]]],
                float(study.attrs["max_train_steps"]),
                color=arm_look.color,
            )
            drawn = drawn[~missed[drawn]]
            if len(drawn):
                axes.scatter(
                    across[drawn],
                    objective[drawn],
                    s=34,
                    color=arm_look.color,
                    marker=arm_look.marker,
                    edgecolors="white",
                    linewidths=0.5,
                    rasterized=len(drawn) > MANY_POINTS,
                    label=clean(arm),
                    zorder=3,
                )
        mark_rows(axes, study, rows, top=top)
        lost_later = best_first[collapsed(study)[best_first]]
        mark_collapses(axes, across[lost_later], objective[lost_later])
        _ring_best(axes, study, across, best_first[:TOP])
        ids = trial_ids(study, best_first)
        name_points(axes, ids, across[best_first], objective[best_first])
        if searched.role == "scientific":
            _draw_slices(axes, slices(study, searched, slice_count))
        axes.set_title(fitted(searched.label, TITLE, 12))
        axes.set_xlabel("\n".join(filter(None, (fitted(searched.name, TITLE), note))))
        axes.set_ylabel(wrapped(objective_label(study), 34))
        legend_below(figure, axes)
        _number_best(figure, axes, across[best_first[:TOP]], objective[best_first[:TOP]])
    return figure


def _across(
    figure: Figure, axes: Axes, study: xr.Dataset, searched: Searched
) -> tuple[Floats, str]:
    """Return where each trial is on the horizontal axis, [trial], and what to say of it.

    NaN for a trial that has no such value.
    """
    scale = sampling_scale(study, searched)
    if scale is None or searched.distribution == "list":
        choices = values_tried(study, searched)
        places = places_of(axes, choices)
        if places.numeric or scale is None:
            axes.grid(visible=False, axis="x")
            write_labels(figure, places)
            return _spread_out(study, searched, choices, places), SPREAD_OUT
    _range(axes, scale)
    return study[searched.variable].values.astype(float), ""


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
    else:
        margin = 0.05 * (scale.high - scale.low)
        axes.set_xlim(scale.low - margin, scale.high + margin)
    plain_ticks(axes.xaxis, range_ticks(scale.low, scale.high, log=scale.log))
    for end, label in ((scale.low, "ends of the range"), (scale.high, "")):
        axes.axvline(end, color=GREY, linestyle=":", linewidth=1.2, zorder=1, label=label)


def _spread_out(
    study: xr.Dataset, searched: Searched, choices: Sequence[Any], places: Places
) -> Floats:
    """Return where the trials of listed values stand: at the value, spread a little."""
    across = np.full(study.sizes["trial"], np.nan)
    seen = [0] * len(choices)
    values = study[searched.variable].values
    for trial in np.argsort(study["index"].values, kind="stable"):
        place = choice_place(values[trial], choices)
        if place is not None:
            seen[place] += 1
            across[trial] = places.beside(place, JITTER * (_van_der_corput(seen[place]) - 0.5))
    return across


def _side_by_side(axes: Axes, across: Floats, objective: Floats, rows: Rows) -> Floats:
    """Return where trials stand so that those with equal values and objectives are all seen.

    Args:
        axes: With its scale and its limits.
        across: The values of the hyperparameter: [trial]; NaN for what is not shown.
        objective: The objectives: [trial]; NaN for infeasible trials, which have the height of
            their row.
        rows: The rows of the infeasible trials.
    """
    together: dict[tuple[str, str], list[int]] = {}
    for trial in np.flatnonzero(np.isfinite(across)):
        known = np.isfinite(objective[trial])
        height = f"{objective[trial]:.9g}" if known else f"row {rows.of_trial[trial]}"
        together.setdefault((f"{across[trial]:.9g}", height), []).append(int(trial))
    scale = axes.xaxis.get_transform()
    low, high = scale.transform(np.array(axes.get_xlim()))
    moved = across.copy()
    for trials in together.values():
        if len(trials) > 1:
            count = len(trials)
            step = min(MARK, MOST_ASIDE / count) * (high - low)
            aside = step * (np.arange(count) - (count - 1) / 2)
            moved[trials] = scale.inverted().transform(scale.transform(across[trials]) + aside)
    return moved


def _van_der_corput(number: int) -> float:
    """Return the `number`-th point of an even spread over [0, 1): 1/2, 1/4, 3/4, 1/8, ..."""
    point, weight = 0.0, 0.5
    while number:
        point += weight * (number % 2)
        number //= 2
        weight /= 2
    return point


def _ring_best(axes: Axes, study: xr.Dataset, across: Floats, best: Indices) -> None:
    """Draw a ring round each of the best trials, and name it in the legend."""
    objective, missed = heights(study), censored(study)
    numbers = tick_labels(objective[best].tolist(), 4)
    for rank, (trial, written) in enumerate(zip(best, numbers, strict=True), start=1):
        number = SIGN if missed[trial] else written
        arm = clean(str(study["arm"].values[trial]), 36)
        axes.scatter(
            across[trial],
            objective[trial],
            s=130,
            facecolors="none",
            edgecolors=BLACK,
            linewidths=1.3,
            label=f"{rank}: {trial_id(study, trial)}, {number} ({arm})",
            zorder=4,
        )


def _number_best(figure: Figure, axes: Axes, across: Floats, up: Floats) -> None:
    """Number the rings of the best trials, each number where it hides no other and no ring."""
    if not len(across):
        return
    lay_out(figure)
    rings = axes.transData.transform(np.column_stack([across, up])) * 72 / figure.dpi
    corners = axes.get_window_extent().get_points() * 72 / figure.dpi
    numbers: list[Floats] = []
    for rank, ring in enumerate(rings):
        others = np.array([*np.delete(rings, rank, axis=0), *numbers]).reshape(-1, 2)

        def room(direction: tuple[int, int], ring: Floats = ring, others: Floats = others) -> float:
            place = ring + BESIDE_RING * np.array(direction)
            inside = ((corners[0] < place) & (place < corners[1])).all()
            nearest = np.abs(others - place).max(axis=1).min(initial=ENOUGH)
            return float(nearest if inside else -1.0)

        chosen = BESIDE_RING * np.array(max(DIRECTIONS, key=room))
        numbers.append(ring + chosen)
        axes.annotate(
            str(rank + 1),
            (across[rank], up[rank]),
            xytext=(float(chosen[0]), float(chosen[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontweight="bold",
            zorder=5,
        )
