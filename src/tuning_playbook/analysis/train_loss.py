"""Does the training loss rise? That usually is a bug in the training pipeline."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import Floats, curves
from tuning_playbook.analysis.worsening import worsening_trials
from tuning_playbook.study.needs import LEAST_POINTS
from tuning_playbook.study.thresholds import DEFAULTS, TrainLossRising

ADVICE = (
    "A training loss that rises usually is a bug in the training pipeline: look at the learning "
    "rate schedule, the order of the data and the loss itself before believing this study. A "
    "learning rate at the edge of stability does it too; then lower it, or add warmup or clipping."
)


def train_loss_rising(
    study: xr.Dataset, thresholds: TrainLossRising = DEFAULTS.train_loss_rising
) -> Finding:
    """Find trials whose training loss rises from its lowest value to the end of training.

    Judged is the loss on the batches that were trained on, averaged over windows of steps; where
    that was not logged, the evaluated training loss, or else the objective's metric on the training
    data. It is judged as `overfitting` judges the validation objective: a line through what follows
    the lowest value must rise significantly (one-sided t test), by at least two standard deviations
    of the values about it, and by at least `least_share` of what training gained in all; or it
    jumps to a plateau.

    The best trial of any arm rising is a problem; its p-value is multiplied by the number of arms
    and must be at most `significance`. The share `many` of all feasible trials rising, three at
    least, is a warning; each of those has a p-value of at most 0.01.

    With flat training losses and independent noise at most 1 % of studies are called a problem.
    With 20 windows, two arms, and a best trial whose loss rises over the second half of training
    by eight times its noise from one window to the next, it is found nine times in ten.

    Source: playbook, "Examining the training curves": "training loss increasing during training
    usually indicates a bug in the training pipeline".
    """
    finding = partial(
        Finding,
        check="train_loss_rising",
        question="Does the training loss rise during training?",
        section="Examining the training curves",
    )
    loss = _training_loss(study)
    if not np.isfinite(loss).any():
        return finding(answer="cannot tell", summary="The training loss was not logged.")
    judged = worsening_trials(
        study,
        loss,
        name="rises",
        significance=thresholds.significance,
        least_share=thresholds.least_share,
    )
    finding = partial(
        finding,
        numbers={
            "significance": thresholds.significance,
            "arms": list(judged.bests),
            "feasible": judged.feasible,
            "rising": len(judged.trials),
            "fraction": judged.fraction,
        },
        arms=arms_in(study, judged.flagged or judged.bests),
    )
    if judged.flagged:
        return finding(
            answer="problem",
            summary=" ".join(_rises(row) for row in judged.flagged),
            trials=tuple(row["trial"] for row in judged.flagged),
            advice=ADVICE,
        )
    if judged.many(thresholds.many):
        return finding(
            answer="warning",
            summary=(
                "The training loss of no arm's best trial rises, but that of "
                f"{len(judged.trials)} of {judged.feasible} feasible trials does."
            ),
            trials=judged.trials,
            arms=judged.arms,
            advice=ADVICE,
        )
    if not judged.feasible:
        return finding(answer="cannot tell", summary="No trial is feasible.")
    if np.isfinite(loss).sum(axis=1).max() <= LEAST_POINTS:
        return finding(
            answer="cannot tell",
            summary=f"{loss.shape[1]} values are too few to see a trend in them.",
            advice="Evaluate more often: windows are parts of the time between evaluations.",
        )
    return finding(
        answer="ok",
        summary=(
            "The training loss of no arm's best trial rises after its lowest value; that of "
            f"{len(judged.trials)} of {judged.feasible} feasible trials does."
        ),
    )


def _training_loss(study: xr.Dataset) -> Floats:
    """Return what is known of the training loss: [trial, step], all NaN where nothing is."""
    if "train_loss" in study:
        logged = study["train_loss"].transpose("trial", "train_step").values.astype(float)
        if np.isfinite(logged).any():
            return np.asarray(logged)
    if "loss" in study:
        loss = study["loss"].sel(split="train").transpose("trial", "eval_step")
        evaluated = loss.values.astype(float)
        if np.isfinite(evaluated).any():
            return np.asarray(evaluated)
    return curves(study, "train")


def _rises(row: Mapping[str, Any]) -> str:
    return (
        f"The training loss of the best trial of {row['arm']} ({row['trial']}) rises by "
        f"{text(row['rise'])} after its lowest value; its values scatter by {text(row['noise'])}."
    )
