"""Is there high step-to-step variance late in training, against what is to be distinguished?"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    curves,
    eval_fractions,
    late,
    metric_losses,
    objective_split,
    ranked,
    trial_ids,
)
from tuning_playbook.analysis.trend import judged_part
from tuning_playbook.dataset.curve_noise import noise_of
from tuning_playbook.study.needs import SPREAD_TRIALS
from tuning_playbook.study.thresholds import DEFAULTS, StepVariance

TOP_TRIALS = 5
"""The scatter is that of this many of an arm's best trials together: that of one, from a handful of
evaluations, is known to a factor of two only, and one of five may be unstable."""

TOP_SHARE = 0.5
"""The trials that the ranking has to tell apart are the better half."""

ROUNDING = 1e-6
"""Objectives that differ by less, as a part of them, are equal, and there is nothing to judge."""

ADVICE = (
    "Trials end on a lucky or an unlucky step, which blurs their comparison and will not come "
    "again in production. Use learning rate decay or Polyak averaging (polyak_decay), a larger "
    "batch size, or more validation data."
)


def step_variance(study: xr.Dataset, thresholds: StepVariance = DEFAULTS.step_variance) -> Finding:
    """Compare the step-to-step variance late in training with the differences to be judged.

    In each arm the scatter of the objective's metric is the standard deviation of the evaluations
    in the `last` part of training about the smooth curve that they follow (`noise_of`): a trend, a
    bend or a single jump is none. It is that of the arm's best five trials together.
    The differences to be judged are two: the gap between the best trials of the best two arms, and
    within an arm the spread (standard deviation) of the objectives of the better half of its
    trials, which the search has to rank. A gap is small by chance in every other study without
    an effect, and a spread is not; so it is a warning where the scatter of any arm is at least
    `ratio` times the larger of the two. The scatter on the other split is beside it. Where
    steps to a target rank the trials, their best values are judged all the same: it is their
    evaluations that scatter, and that cross the target.

    Where evaluations scatter by a fifth of what trials differ by, at most 5 % of studies are warned
    about; where they scatter by four times as much as trials differ, nine in ten are.

    Source: playbook, "Examining the training curves".
    """
    loss = metric_losses(study)
    orders = {arm: _by_metric(study, arm) for arm in arm_names(study)}
    bests = sorted(loss[order[0]] for order in orders.values() if len(order))
    gap = float(bests[1] - bests[0]) if len(bests) > 1 else None
    rows = [_row(study, arm, order, gap, thresholds) for arm, order in orders.items()]
    judged = [row for row in rows if row["judged_against"] is not None]
    high = [row for row in judged if row["high"]]
    finding = partial(
        Finding,
        check="step_variance",
        question=(
            "Is there high step-to-step variance in the training or validation error late in "
            "training?"
        ),
        numbers={"ratio": thresholds.ratio, "gap_between_arms": gap, "arms": rows},
        section="Examining the training curves",
        arms=arms_in(study, high or judged),
    )
    if high:
        return finding(
            answer="warning",
            summary=" ".join(_scatters_too_much(row) for row in high),
            trials=tuple(trial for row in high for trial in row["trials"]),
            advice=ADVICE,
        )
    if not judged:
        return finding(
            answer="cannot tell",
            summary=(
                "No arm has the trials and the late evaluations that it takes to tell, and "
                "objectives that differ."
            ),
            advice="Evaluate more often, or run more trials.",
        )
    return finding(answer="ok", summary=" ".join(_scatters_little(row) for row in judged))


def _by_metric(study: xr.Dataset, arm: str) -> Indices:
    """Return the feasible trials of an arm, that of the best value of the metric first."""
    order = ranked(study, arm)
    return np.asarray(order[np.argsort(metric_losses(study)[order], kind="stable")])


def late_scatter(study: xr.Dataset, split: str, trials: Indices, last: float) -> float | None:
    """Return the standard deviation of evaluations about their trends at the end of training.

    Args:
        study: The study.
        split: Of the objective's metric.
        trials: The positions of those that are taken together: [n].
        last: The share of training that is its end.

    Returns:
        None where no trial has evaluations enough there.
    """
    values = curves(study, split)[trials]
    windows = late(eval_fractions(study)[trials], 1 - last)
    parts = [judged_part(curve, window) for curve, window in zip(values, windows, strict=True)]
    ends = [part for part in parts if part is not None]
    return noise_of(*ends) if ends else None


def _row(
    study: xr.Dataset, arm: str, order: Indices, gap: float | None, thresholds: StepVariance
) -> dict[str, Any]:
    """Return the numbers of one arm.

    Args:
        study: The study.
        arm: Its name.
        order: The positions of its feasible trials, the best first.
        gap: Between the best trials of the best two arms; None where there is one.
        thresholds: Of the check.
    """
    top = order[:TOP_TRIALS]
    splits = [objective_split(study)]
    splits += [split for split in ("train", "validation") if split not in splits]
    scatter = {split: late_scatter(study, split, top, thresholds.last) for split in splits}
    spread = spread_of_better_half(metric_losses(study)[order])
    differences = [value for value in (gap, spread) if value is not None]
    own = scatter[splits[0]]
    against, high = None, False
    equal = ROUNDING * float(np.abs(metric_losses(study)[top]).max(initial=0))
    if own is not None and max(differences, default=0) > equal:
        against = max(differences)
        high = own > 0 and own >= thresholds.ratio * against
    return {
        "arm": arm,
        "trials": list(trial_ids(study, top)),
        "scatter": own,
        "scatter_by_split": scatter,
        "spread": spread,
        "judged_against": against,
        "high": high,
    }


def spread_of_better_half(loss: Floats) -> float | None:
    """Return the standard deviation of the better half of some losses; None of too few.

    Args:
        loss: The best first: [trial].
    """
    half = loss[: max(SPREAD_TRIALS, round(TOP_SHARE * len(loss)))]
    return float(half.std(ddof=1)) if len(half) >= SPREAD_TRIALS else None


def _scatters_too_much(row: Mapping[str, Any]) -> str:
    return (
        f"Late in training the evaluations of the best trials of {row['arm']} scatter by "
        f"{text(row['scatter'])}, no less than what they are to tell apart "
        f"({text(row['judged_against'])})."
    )


def _scatters_little(row: Mapping[str, Any]) -> str:
    return (
        f"Late in training the evaluations of the best trials of {row['arm']} scatter by "
        f"{text(row['scatter'])}, against differences of {text(row['judged_against'])}."
    )
