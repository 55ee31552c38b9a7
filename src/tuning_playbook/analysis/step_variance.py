"""Is there high step-to-step variance late in training, against what is to be told apart?"""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import number, text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    losses,
    objective_split,
    ranked,
    trial_ids,
)
from tuning_playbook.analysis.scatter import late_scatter
from tuning_playbook.study.thresholds import DEFAULTS, StepVariance

TOP_TRIALS = 5
"""The scatter is the median over so many of an arm's best trials: that of one, from a handful of
evaluations, is known to a factor of two only, and one of five may be unstable."""

TOP_SHARE = 0.5
"""The trials that the ranking has to tell apart are the better half."""

LEAST_TRIALS = 3
"""A standard deviation of fewer objectives says nothing."""

ADVICE = (
    "Trials end on a lucky or an unlucky step, which blurs their comparison and will not come "
    "again in production. Use learning rate decay or Polyak averaging (polyak_decay), a larger "
    "batch size, or more validation data."
)


def step_variance(study: xr.Dataset, thresholds: StepVariance = DEFAULTS.step_variance) -> Finding:
    """Compare the step-to-step variance late in training with the differences to be judged.

    In each arm the scatter of the objective's metric is the standard deviation of the evaluations
    about a line through the last quarter of training: the median over the arm's best five trials.
    The
    differences to be judged are two: the gap between the best trials of the best two arms, and
    within an arm the spread (standard deviation) of the objectives of the better half of its
    trials, which the search has to rank. A gap is small by chance in every other study without
    an effect, and a spread is not; so it is a warning where the scatter of any arm is at least as
    large as both. The scatter on the other split stands beside it.

    Where evaluations scatter by a fifth of what trials differ by, at most 5 % of studies are warned
    about; where they scatter by four times as much as trials differ, nine in ten are.

    Source: playbook, "Examining the training curves".
    """
    arms = arm_names(study)
    loss = losses(study)
    orders = {arm: ranked(study, arm) for arm in arms}
    bests = sorted(loss[order[0]] for order in orders.values() if len(order))
    gap = float(bests[1] - bests[0]) if len(bests) > 1 else None
    rows = [
        _row(study, arm, order, loss[order], gap, thresholds.last) for arm, order in orders.items()
    ]
    judged = [row for row in rows if row["judged_against"] is not None]
    for row in judged:
        row["high"] = (
            row["scatter"] > 0 and row["scatter"] >= thresholds.ratio * row["judged_against"]
        )
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
            summary=" ".join(
                f"Late in training the evaluations of the best trials of {row['arm']} scatter by "
                f"{text(row['scatter'])}, no less than what they are to tell apart "
                f"({text(row['judged_against'])})."
                for row in high
            ),
            trials=tuple(trial for row in high for trial in row["trials"]),
            advice=ADVICE,
        )
    if not judged:
        return finding(
            answer="cannot tell",
            summary="No arm has the trials and the late evaluations that it takes to tell.",
            advice="Evaluate more often, or run more trials.",
        )
    return finding(
        answer="ok",
        summary=" ".join(
            f"Late in training the evaluations of the best trials of {row['arm']} scatter by "
            f"{text(row['scatter'])}, against differences of {text(row['judged_against'])}."
            for row in judged
        ),
    )


def _row(
    study: xr.Dataset, arm: str, order: Indices, loss: Floats, gap: float | None, last: float
) -> dict[str, Any]:
    top = order[:TOP_TRIALS]
    splits = [objective_split(study)]
    splits += [split for split in ("train", "validation") if split not in splits]
    scatter = {split: _typical(late_scatter(study, split, top, last)) for split in splits}
    half = loss[: max(LEAST_TRIALS, round(TOP_SHARE * len(loss)))]
    spread = float(half.std(ddof=1)) if len(half) >= LEAST_TRIALS else None
    differences = [value for value in (gap, spread) if value is not None]
    own = scatter[splits[0]]
    return {
        "arm": arm,
        "trials": list(trial_ids(study, top)),
        "scatter": own,
        "scatter_by_split": scatter,
        "spread": spread,
        "judged_against": max(differences) if differences and own is not None else None,
        "high": False,
    }


def _typical(scatter: Floats) -> float | None:
    """Return the median of the standard deviations that are known."""
    known = scatter[np.isfinite(scatter)]
    return number(np.median(known)) if len(known) else None
