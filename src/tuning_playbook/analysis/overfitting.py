"""Do trials overfit? Whether the validation objective worsens while training goes on improving."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import curves
from tuning_playbook.analysis.worsening import WorseningTrials, worsening_trials
from tuning_playbook.study.needs import LEAST_POINTS
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
    """Find trials whose validation objective worsens while training goes on improving.

    The best value of a noisy curve is a lucky one, so the evaluations after it are judged by
    themselves: a line through them must rise significantly (one-sided t test), by at least two
    standard deviations of the evaluations about it, and by at least `least_share` of what training
    gained from its start to its best. A best value among the last five evaluations leaves nothing
    to judge, and is no sign of overfitting. A jump to a plateau is no line, and counts by its size.

    A trial whose metric worsens on the training data too is unstable, which regularization does not
    help: `collapse` and `train_loss_rising` ask for those, and here they are counted apart. Without
    the metric on the training data nothing tells a slow rise from overfitting, and it is taken for
    that.

    The best trial of any arm overfitting is a problem; its p-value is multiplied by the number of
    arms and must be at most `significance`. The share `many` of all feasible trials overfitting,
    three at least, is a warning; each of those has a p-value of at most 0.01.

    Evaluations of one model on the same data remember their last value. How much is told from the
    second halves of the curves of the study's best trials (`memory_in`), and the test allows for
    it.

    With flat validation curves and independent noise at most 2 % of studies are called a problem,
    with noise that remembers up to 0.9 of its last value at most 5 %.
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
        train=curves(study, "train"),
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
            "unstable": list(judged.unstable),
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
                f"feasible trials do.{_unstable(judged)}"
            ),
            trials=judged.trials,
            arms=judged.arms,
            advice=ADVICE_FOR_ANY,
        )
    if not judged.feasible:
        return finding(answer="cannot tell", summary="No trial is feasible.")
    evaluations = np.isfinite(validation).sum(axis=1).max()
    if evaluations <= LEAST_POINTS:
        return finding(
            answer="cannot tell",
            summary=f"{evaluations} evaluations are too few to see a trend in them.",
            advice="Evaluate more often.",
        )
    return finding(
        answer="ok",
        summary=(
            f"No arm's best trial overfits; {len(judged.trials)} of {judged.feasible} feasible "
            f"trials do.{_unstable(judged)}"
        ),
    )


def _unstable(judged: WorseningTrials) -> str:
    if not judged.unstable:
        return ""
    return (
        f" The validation objective and the training metric both worsen in "
        f"{len(judged.unstable)}: that is an instability, and no overfitting."
    )


def _overfits(row: Mapping[str, Any]) -> str:
    return (
        f"The best trial of {row['arm']} ({row['trial']}) worsens by {text(row['rise'])} after its "
        f"best step; its evaluations scatter by {text(row['noise'])}."
    )
