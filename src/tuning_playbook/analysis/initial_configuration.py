"""Does the best of each arm beat chance by far? If not, there is nothing to tune yet."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    best_trials,
    curves,
    members,
    metric_direction,
    metric_losses,
    objective_metric,
    objective_split,
    trial_id,
)
from tuning_playbook.study.thresholds import DEFAULTS, BeatsChance

LEAST_SPREADS = 5.0
"""The best of thirty trials' twenty evaluations lies three standard deviations beyond the mean of
trials that learn nothing."""

PERFECT = {"error_rate": 0.0, "accuracy": -1.0}
"""What a perfect model's loss is, of metrics for which the class counts say what chance is."""


ADVICE = (
    "Find a simple configuration that trains to a reasonable result first: a constant learning "
    "rate, no regularization, a smaller model. Suspect the data and the labels."
)


def beats_chance(study: xr.Dataset, thresholds: BeatsChance = DEFAULTS.beats_chance) -> Finding:
    """Tell whether the best trial of each arm performs much better than chance.

    Chance is what an untrained model reaches: the median over an arm's trials of the objective's
    metric before the first step. For an error rate or an accuracy whose class counts are in the
    dataset it is what always naming the commonest class reaches, if that is better.

    An arm may start from a trained model. Then its start is far better than chance already: than
    the commonest class, or, without class counts, than the arm with the worst start. For an error
    rate or an accuracy chance is that level for it. A loss has no such level, since that of an
    untrained model depends on how it is initialized; so nothing is told of an arm that starts far
    better than another one and gains little from there.

    Far is both the `share` of the way from chance to a perfect score (for a metric without a known
    perfect score, of the value at chance), and five times the standard deviation of the untrained
    models; or, where these differ much, the share of the way from the best of them to a perfect
    score. A problem where no arm's best trial comes that far; a warning where some do not.

    A study whose trials learn to err on one example in ten is never warned about; one whose trials
    come a tenth of the way from chance always is.

    Source: playbook, "Choosing the initial configuration".
    """
    finding = partial(
        Finding,
        check="beats_chance",
        question="Does every arm perform much better than chance?",
        section="Choosing the initial configuration",
    )
    bests = best_trials(study)
    if not bests:
        return finding(answer="cannot tell", summary="No trial is feasible.")
    untrained = _untrained(study)
    if not len(untrained):
        return finding(
            answer="cannot tell",
            summary="No trial was evaluated before its first step, so chance is not known.",
        )
    sign, loss = metric_direction(study), metric_losses(study)
    chances = _chances(study, thresholds.share)
    rows: list[dict[str, Any]] = []
    for arm, trial in bests.items():
        level, least, from_a_trained_model = chances[arm]
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "objective": float(sign * loss[trial]),
                "chance": sign * level,
                "least_gain": least,
                "starts_far_better": from_a_trained_model,
                "gain_over_chance": float(level - loss[trial]),
                "beats_chance": bool(level - loss[trial] >= least),
            }
        )
    level, least, _ = _chance_of(study, untrained, thresholds.share)
    poor = [row for row in rows if not row["beats_chance"]]
    unknown = [row for row in poor if row["starts_far_better"] and _perfect(study) is None]
    poor = [row for row in poor if row not in unknown]
    finding = partial(
        finding,
        numbers={
            "chance": sign * level,
            "spread_of_untrained": _spread(untrained),
            "least_gain": least,
            "arms": rows,
        },
        arms=arms_in(study, poor or unknown or rows),
    )
    if poor:
        return finding(
            answer="problem" if len(poor) == len(arm_names(study)) else "warning",
            summary=" ".join(map(_hardly_better, poor)),
            trials=tuple(row["trial"] for row in poor),
            advice=ADVICE,
        )
    if unknown:
        return finding(answer="cannot tell", summary=" ".join(map(_starts_far_better, unknown)))
    return finding(
        answer="ok",
        summary=f"Chance reaches {text(sign * level)}; the best trial of every arm is far better.",
    )


class _Chance(NamedTuple):
    """What chance reaches in an arm.

    Attributes:
        level: The loss of chance.
        least_gain: By how much a trial has to be better.
        starts_far_better: Whether the arm's trials start far better than chance, or another arm.
    """

    level: float
    least_gain: float
    starts_far_better: bool = False


def _chances(study: xr.Dataset, share: float) -> dict[str, _Chance]:
    """Return what chance reaches, by arm; of an arm without a known start that of all trials."""
    everything, arms = _untrained(study), {}
    for arm in arm_names(study):
        own = _untrained(study, arm)
        arms[arm] = own if len(own) else everything
    commonest = _of_commonest_class(study)
    worst = max(float(np.median(own)) for own in arms.values())
    level = commonest if np.isfinite(commonest) else worst
    far = least_gain(level, 0.0, perfect=_perfect(study), share=share, best=level)
    found = {}
    for arm, own in arms.items():
        chance = _chance_of(study, own, share)
        if level - float(np.median(own)) >= far:
            known = level if _perfect(study) is not None else chance.level
            chance = _Chance(known, far if known == level else chance.least_gain, True)
        found[arm] = chance
    return found


def _chance_of(study: xr.Dataset, untrained: Floats, share: float) -> _Chance:
    """Return what chance reaches by some untrained models, and the commonest class."""
    level = min(float(np.median(untrained)), _of_commonest_class(study))
    least = least_gain(
        level,
        _spread(untrained),
        perfect=_perfect(study),
        share=share,
        best=float(untrained.min()),
    )
    return _Chance(level, least)


def _perfect(study: xr.Dataset) -> float | None:
    return PERFECT.get(objective_metric(study))


def _spread(untrained: Floats) -> float:
    return float(untrained.std(ddof=1)) if len(untrained) > 1 else 0.0


def _untrained(study: xr.Dataset, arm: str | None = None) -> Floats:
    """Return what is known before the first step of an arm's trials, smaller being better: [n]."""
    if "eval_step" not in study or study["eval_step"].values[0] != 0:
        return np.empty(0)
    untrained = curves(study, objective_split(study))[members(study, arm), 0]
    return np.asarray(untrained[np.isfinite(untrained)])


def _of_commonest_class(study: xr.Dataset) -> float:
    """Return the loss of always naming the commonest class; infinite where that is not known."""
    perfect = _perfect(study)
    validation = objective_split(study) == "validation"
    if perfect is None or not validation or "class_examples" not in study:
        return float("inf")
    counts = study["class_examples"].transpose("trial", ...).values.max(axis=0).astype(float)
    return loss_of_commonest_class(counts, perfect)


def loss_of_commonest_class(counts: Floats, perfect: float) -> float:
    """Return the loss of always naming the commonest class; infinite without examples.

    Args:
        counts: The examples of each class: [class].
        perfect: The loss where all examples are named right; it is one more where none is.

    Example:
        >>> loss_of_commonest_class(np.array([30.0, 10.0]), perfect=0.0)
        0.25
    """
    if not counts.sum() > 0:
        return float("inf")
    return float(perfect + 1 - counts.max() / counts.sum())


def least_gain(
    chance: float, spread: float, *, perfect: float | None, share: float, best: float = -math.inf
) -> float:
    """Return by how much a trial must be better than chance to be far better.

    Where untrained models differ much, as they do with two classes, five times their spread may be
    more than there is to gain. A trial that goes the share of the way from the best of them to a
    perfect score is far better, too.

    Args:
        chance: The loss of an untrained model.
        spread: The standard deviation of untrained models.
        perfect: The loss of a perfect model; None where it is not known, and zero stands for it.
        share: Of the way from chance to perfect.
        best: The loss of the best untrained model.
    """
    zero = perfect or 0.0
    best = min(best, chance)
    beyond_all = chance - best + share * abs(best - zero)
    return max(share * abs(chance - zero), min(LEAST_SPREADS * spread, beyond_all))


def _hardly_better(row: Mapping[str, Any]) -> str:
    return (
        f"The best trial of {row['arm']} reaches {text(row['objective'])}, not much better than "
        f"chance ({text(row['chance'])})."
    )


def _starts_far_better(row: Mapping[str, Any]) -> str:
    return (
        f"The trials of {row['arm']} start at {text(row['chance'])}, far better than those of "
        f"another arm, and the best one reaches {text(row['objective'])}: if they start from a "
        "trained model, what an untrained one reaches is not known."
    )
