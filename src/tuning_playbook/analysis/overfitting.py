"""Do trials overfit? Whether the validation objective worsens after its best value."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import curves
from tuning_playbook.analysis.trend import LEAST_POINTS
from tuning_playbook.analysis.worsening import worsening_trials
from tuning_playbook.study.thresholds import DEFAULTS, Overfitting

ADVICE = (
    "Run again with additional regularization (dropout, label smoothing, weight decay), or tune "
    "the existing regularization, before comparing the arms; unless the scientific hyperparameters "
    "are regularization parameters themselves."
)
ADVICE_FOR_ANY = (
    "Selecting the best trial suppresses overfitting configurations, and so favours anything that "
    "regularizes, a small learning rate included. Add regularization to the next round."
)


def overfitting(study: xr.Dataset, thresholds: Overfitting = DEFAULTS.overfitting) -> Finding:
    """Find trials whose validation objective worsens from its best value to the end of training.

    The best value of a noisy curve is a lucky one, so the evaluations after it are judged by
    themselves: a line through them must rise significantly (one-sided t test), by at least two
    standard deviations of the evaluations about it, and by at least `least_share` of what training
    gained from its start to its best. A best value among the last five evaluations leaves nothing
    to judge, and is no sign of overfitting.

    The best trial of any arm overfitting is a problem; its p-value is multiplied by the number of
    arms and must be at most `significance`. The share `many` of all feasible trials overfitting,
    three at least, is a warning; each of those has a p-value of at most 0.01.

    With flat validation curves and independent noise at most 2 % of studies are called a problem.
    With 20 evaluations, two arms, and a best trial whose validation objective worsens over the
    second half of training by eight times its noise from one evaluation to the next, it is found
    nine times in ten.

    Source: playbook, "Examining the training curves".
    """
    validation = curves(study, "validation")
    judged = worsening_trials(
        study,
        validation,
        name="overfits",
        significance=thresholds.significance,
        least_share=thresholds.least_share,
    )
    finding = partial(
        Finding,
        check="overfitting",
        question="Do any of the trials exhibit problematic overfitting?",
        numbers={
            "significance": thresholds.significance,
            "arms": list(judged.bests),
            "feasible": judged.feasible,
            "overfitting": len(judged.trials),
            "fraction": judged.fraction,
        },
        section="Examining the training curves",
        arms=arms_in(study, judged.flagged or judged.bests),
    )
    if judged.flagged:
        return finding(
            answer="problem",
            summary=" ".join(_overfits(row) for row in judged.flagged),
            trials=tuple(row["trial"] for row in judged.flagged),
            advice=ADVICE,
        )
    if judged.many(thresholds.many):
        return finding(
            answer="warning",
            summary=(
                f"No arm's best trial overfits, but {len(judged.trials)} of {judged.feasible} "
                "feasible trials do."
            ),
            trials=judged.trials,
            arms=judged.arms,
            advice=ADVICE_FOR_ANY,
        )
    if not judged.feasible:
        return finding(answer="cannot tell", summary="No trial is feasible.")
    if validation.shape[1] <= LEAST_POINTS:
        return finding(
            answer="cannot tell",
            summary=f"{validation.shape[1]} evaluations are too few to see a trend in them.",
            advice="Evaluate more often.",
        )
    return finding(
        answer="ok",
        summary=(
            "In the best trial of no arm does the validation objective worsen after its best "
            f"value; it does in {len(judged.trials)} of {judged.feasible} feasible trials."
        ),
    )


def _overfits(row: Mapping[str, Any]) -> str:
    return (
        f"The best trial of {row['arm']} ({row['trial']}) worsens by {text(row['rise'])} after its "
        f"best step; its evaluations scatter by {text(row['noise'])}."
    )
