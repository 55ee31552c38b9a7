"""Do trials overfit? Whether the validation objective worsens after its best value."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import Floats, best_trials, curves, ranked, trial_id
from tuning_playbook.analysis.trend import LEAST_POINTS, fit_trend

SIGNIFICANCE = 0.02
"""Share of studies with flat, noisy validation curves that may be called a problem."""

SIGNIFICANCE_OF_ANY = 0.01
"""The same for a single trial, whichever it is; what counts is how many there are."""

LEAST_NOISES = 2.0
"""A rise of fewer standard deviations of the evaluations about it is lost among them, and the
retrospective selection of a checkpoint undoes it."""

LEAST_SHARE = 0.005
"""A rise below this share of what training gained in all is not problematic, however smooth the
curve is."""

MANY = 0.25
"""So large a share of overfitting trials means that a region of the search space is suppressed."""

LEAST_MANY = 3
"""Fewer trials than this are not many, whatever share of a small study they are."""

ADVICE = (
    "Run again with additional regularization (dropout, label smoothing, weight decay), or tune "
    "the existing regularization, before comparing the arms; unless the scientific hyperparameters "
    "are regularization parameters themselves."
)
ADVICE_FOR_ANY = (
    "Selecting the best trial suppresses overfitting configurations, and so favours anything that "
    "regularizes, a small learning rate included. Add regularization to the next round."
)


@dataclass(frozen=True)
class _Worsening:
    """How a validation curve goes on after its best value."""

    rise: float = 0.0
    noise: float = 0.0
    p_value: float = 1.0
    relevant: bool = False


def overfitting(study: xr.Dataset) -> Finding:
    """Find trials whose validation objective worsens from its best value to the end of training.

    The best value of a noisy curve is a lucky one, so what follows lies above it even where
    nothing worsens. Therefore the evaluations after the best one are judged by themselves: a line
    through them must rise significantly (one-sided t test), by at least two standard deviations
    of the evaluations about it, and by at least 0.5 % of what training gained from its start to
    its best. A best value among the last five evaluations leaves nothing to judge, and is no sign
    of overfitting.

    The best trial of any arm overfitting is a problem; its p-value is multiplied by the number of
    arms and must be at most 0.02. A quarter of all feasible trials overfitting, three at least,
    is a warning; each of those has a p-value of at most 0.01.

    With flat validation curves and independent noise at most 2 % of studies are called a problem.
    With 20 evaluations, two arms, and a best trial whose validation objective worsens over the
    second half of training by eight times its noise from one evaluation to the next, it is found
    nine times in ten.

    Source: playbook, "Examining the training curves".
    """
    validation = curves(study, "validation")
    found = {int(trial): _worsening(validation[trial]) for trial in ranked(study)}
    bests = best_trials(study)
    rows = [_row(study, arm, trial, found[trial], len(bests)) for arm, trial in bests.items()]
    overfit = [
        trial_id(study, trial)
        for trial, worsening in found.items()
        if worsening.relevant and worsening.p_value <= SIGNIFICANCE_OF_ANY
    ]
    share = len(overfit) / max(1, len(found))
    finding = partial(
        Finding,
        check="overfitting",
        question="Do any of the trials exhibit problematic overfitting?",
        numbers={
            "significance": SIGNIFICANCE,
            "arms": rows,
            "feasible": len(found),
            "overfitting": len(overfit),
            "fraction": share,
        },
        section="Examining the training curves",
    )
    flagged = [row for row in rows if row["overfits"]]
    if flagged:
        return finding(
            answer="problem",
            summary=" ".join(
                f"The best trial of {row['arm']} ({row['trial']}) worsens by {text(row['rise'])} "
                f"after its best step; its evaluations scatter by {text(row['noise'])}."
                for row in flagged
            ),
            trials=tuple(row["trial"] for row in flagged),
            advice=ADVICE,
        )
    if len(overfit) >= LEAST_MANY and share >= MANY:
        return finding(
            answer="warning",
            summary=(
                f"No arm's best trial overfits, but {len(overfit)} of {len(found)} feasible "
                "trials do."
            ),
            trials=tuple(overfit),
            advice=ADVICE_FOR_ANY,
        )
    if not found:
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
            f"value; it does in {len(overfit)} of {len(found)} feasible trials."
        ),
    )


def _worsening(curve: Floats) -> _Worsening:
    """Judge one validation curve, smaller being better: [eval_step]."""
    curve = curve[np.isfinite(curve)]
    after = curve[np.argmin(curve) + 1 :] if len(curve) else curve
    if len(after) < LEAST_POINTS:
        return _Worsening()
    trend = fit_trend(after)
    gained = curve[0] - curve.min()
    relevant = trend.change >= max(LEAST_NOISES * trend.noise, LEAST_SHARE * gained)
    return _Worsening(trend.change, trend.noise, trend.p_rising, bool(relevant))


def _row(study: xr.Dataset, arm: str, trial: int, found: _Worsening, arms: int) -> dict[str, Any]:
    p_value = min(1.0, arms * found.p_value)
    return {
        "arm": arm,
        "trial": trial_id(study, trial),
        "best_step": int(study["best_step"].values[trial]),
        "rise": found.rise,
        "noise": found.noise,
        "p_value": p_value,
        "overfits": found.relevant and p_value <= SIGNIFICANCE,
    }
