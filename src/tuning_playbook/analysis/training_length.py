"""Was training long enough, or too long? Still improving, saturated early, and the best steps."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.quantiles import binomial_tail
from tuning_playbook.analysis.ranking import (
    Floats,
    arms_of,
    best_trials,
    curves,
    eval_fractions,
    last_steps,
    late,
    ranked,
    trial_id,
    trial_ids,
)
from tuning_playbook.analysis.trend import LEAST_POINTS, fit_trend
from tuning_playbook.study.thresholds import DEFAULTS, BestSteps, SaturatedEarly, StillImproving

SIGNIFICANCE = 0.02
"""Share of studies without an effect that may be called still improving, or whose best steps may
be called consistently late or early."""

LONGER = 2
"""Where longer training may help, twice as many steps are proposed: enough to see whether it does,
and the playbook's rounds of growing length are of that kind."""

ENOUGH = 2
"""Where training is far too long, twice the latest of the early best steps is proposed: room for
the schedule's decay to be tuned to it."""

LEAST_NOISES = 2.0
"""An improvement of fewer standard deviations of the evaluations about it is lost among them."""

CONFIDENCE = 0.95
"""How sure it must be that nothing more was gained."""

CURVES_SECTION = "Examining the training curves"
STEPS_SECTION = "Deciding how long to train when training is not compute-bound"


def still_improving(
    study: xr.Dataset, thresholds: StillImproving = DEFAULTS.still_improving
) -> Finding:
    """Tell whether the best trial of an arm was still improving when training ended.

    A line through the validation objective over the last quarter of training must improve
    significantly (one-sided t test, its p-value times the number of arms at most 0.02), by at
    least two standard deviations of the evaluations about it, and by at least 0.5 % of what
    training gained in all. Where that holds in any arm it is a warning. A trial ends where its own
    training did.

    With curves that are flat by then and independent noise at most 2 % of studies are warned
    about. With 20 evaluations and two arms, an objective that improves over the last quarter by
    eight times its noise from one evaluation to the next is found nine times in ten.

    Source: playbook, "Examining the training curves".
    """
    validation = curves(study, "validation")
    last = thresholds.last
    windows = late(eval_fractions(study), 1 - last)
    bests = {
        arm: trial
        for arm, trial in best_trials(study).items()
        if _seen(validation[trial], windows[trial])
    }
    rows: list[dict[str, Any]] = []
    for arm, trial in bests.items():
        curve = validation[trial]
        trend = fit_trend(-curve[windows[trial]])
        p_value = min(1.0, len(bests) * trend.p_rising)
        least = max(LEAST_NOISES * trend.noise, thresholds.least_share * _gain(curve))
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "improvement": trend.change,
                "noise": trend.noise,
                "p_value": p_value,
                "still_improving": bool(
                    trend.change >= least and p_value <= thresholds.significance
                ),
            }
        )
    improving = [row for row in rows if row["still_improving"]]
    finding = partial(
        Finding,
        check="still_improving",
        question="Are the trials still improving at the end of training?",
        numbers={
            "significance": thresholds.significance,
            "window": [1 - last, 1.0],
            "arms": rows,
        },
        section=CURVES_SECTION,
        arms=arms_in(study, improving or rows),
    )
    if improving:
        return finding(
            answer="warning",
            summary=" ".join(
                f"The best trial of {row['arm']} ({row['trial']}) improves by "
                f"{text(row['improvement'])} over the last {last:.0%} of training."
                for row in improving
            ),
            trials=tuple(row["trial"] for row in improving),
            advice=(
                "Train longer and tune the learning rate decay schedule again: with more steps "
                "the arms may rank otherwise."
            ),
        )
    if not rows:
        return finding(
            answer="cannot tell",
            summary=f"No best trial has {LEAST_POINTS} evaluations in the last {last:.0%}.",
            advice="Evaluate more often.",
        )
    return finding(
        answer="ok",
        summary=(
            f"The best trial of no arm improves beyond its noise in the last {last:.0%} of "
            "training."
        ),
    )


def _seen(curve: Floats, window: NDArray[np.bool_]) -> bool:
    """Whether a curve has evaluations enough in a window, and a number at each: [eval_step]."""
    return bool(window.sum() >= LEAST_POINTS and np.isfinite(curve[window]).all())


def _gain(curve: Floats) -> float:
    """Return what training gained in all on a curve, smaller being better: [eval_step].

    From the first evaluation that is known; trials of other tools have none before training.
    """
    known = curve[np.isfinite(curve)]
    return float(known[0] - known.min())


def saturated_early(
    study: xr.Dataset, thresholds: SaturatedEarly = DEFAULTS.saturated_early
) -> Finding:
    """Tell whether training and validation performance saturated long before the end.

    A curve saturated early if after the first quarter of training it gained nothing: the upper
    95 % bound of what a line through the rest improves is below 1 % of what training gained in
    all. So noise cannot make a curve look saturated. If that holds for the objective's metric on
    both splits in the best trial of every arm it is a warning; one arm that needs its steps is
    enough against it, because all trials of a study train for the same number of steps.

    Where training still gains 1 % or more in a straight line after its first quarter at most 5 %
    of studies are warned about. With 20 evaluations whose noise is a quarter of a per cent of the
    gain, curves that are flat after the first quarter are found nine times in ten.

    Source: playbook, "Examining the training curves".
    """
    start = thresholds.saturated_by
    rest = late(eval_fractions(study), start)
    splits = {split: curves(study, split) for split in ("train", "validation")}
    rows: list[dict[str, Any]] = []
    for arm, trial in best_trials(study).items():
        gains = {split: _late_gain(values[trial], rest[trial]) for split, values in splits.items()}
        known = [gain for gain in gains.values() if gain is not None]
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "late_gain_at_most": gains,
                "saturated": len(known) == len(gains) and max(known) < thresholds.nothing,
            }
        )
    finding = partial(
        Finding,
        check="saturated_early",
        question=(
            "Has performance on the training and validation sets saturated long before the final "
            "training step?"
        ),
        numbers={"after": start, "nothing": thresholds.nothing, "arms": rows},
        section=CURVES_SECTION,
        arms=arms_in(study, rows),
    )
    if rows and all(row["saturated"] for row in rows):
        return finding(
            answer="warning",
            summary=(
                "In the best trial of every arm training and validation performance gain less than "
                f"{thresholds.nothing:.0%} of their whole gain after the first {start:.0%} of "
                "training."
            ),
            trials=tuple(row["trial"] for row in rows),
            advice="Fewer steps would do, and would pay for more trials or another round.",
        )
    if not any(gain is not None for row in rows for gain in row["late_gain_at_most"].values()):
        return finding(
            answer="cannot tell",
            summary=(f"No best trial has {LEAST_POINTS} evaluations after the first {start:.0%}."),
            advice="Evaluate more often.",
        )
    return finding(
        answer="ok",
        summary=(
            f"Not every arm's best trial had saturated after the first {start:.0%} of training."
        ),
    )


def _late_gain(curve: Floats, rest: NDArray[np.bool_]) -> float | None:
    """Return at most how much of its whole gain a curve makes in the `rest` of its evaluations.

    Args:
        curve: Smaller being better: [eval_step].
        rest: Which evaluations come late: [eval_step].
    """
    if not _seen(curve, rest) or not _gain(curve) > 0:
        return None
    return fit_trend(-curve[rest]).upper_bound(CONFIDENCE) / _gain(curve)


def best_steps(study: xr.Dataset, thresholds: BestSteps = DEFAULTS.best_steps) -> Finding:
    """Tell from the steps at which trials reached their objective whether to train longer.

    A warning where at least four in five feasible trials reached it in the last quarter of
    training (then longer training may help), or in its first tenth (then the maximum is way too
    high), and so many would have a chance of at most 0.02 if each did with probability one half.
    Each trial is measured by its own length. The numbers hold a `max_train_steps` to try next:
    twice as many, or twice the latest of the early best steps.

    Where training is flat in its second half, so that noise alone decides the best step within
    it, at most 2 % of studies are warned about; where every trial's best step lies in the last
    quarter, or in the first tenth, all studies of six trials or more are.

    Source: playbook, "Deciding how long to train when training is not compute-bound".
    """
    trials = ranked(study)
    steps = study["best_step"].values
    fractions = steps[trials] / last_steps(study)[trials].astype(float)
    last, first = thresholds.last, thresholds.first
    in_last = fractions > 1 - last
    in_first = fractions <= first
    longest = int(study.attrs["max_train_steps"])
    every = int(study.attrs.get("eval_every", 1))
    proposed = None
    if _consistent(int(in_last.sum()), len(trials), thresholds.consistent):
        proposed = LONGER * longest
    elif _consistent(int(in_first.sum()), len(trials), thresholds.consistent):
        latest = int(steps[trials[in_first]].max())
        proposed = max(1, -(-ENOUGH * latest // every)) * every
    finding = partial(
        Finding,
        check="best_steps",
        question="At which step did retrospective checkpoint selection find the best?",
        numbers={
            "max_train_steps": longest,
            "feasible": len(trials),
            "in_last_part": int(in_last.sum()),
            "in_first_part": int(in_first.sum()),
            "median_fraction": float(np.median(fractions)) if len(trials) else None,
            "proposed_max_train_steps": proposed,
        },
        section=STEPS_SECTION,
        arms=arms_of(study, trials),
    )
    if not len(trials):
        return finding(answer="cannot tell", summary="No trial is feasible.")
    counted = (
        f"Of {len(trials)} feasible trials {in_last.sum()} are best in the last {last:.0%} of "
        f"training and {in_first.sum()} in its first {first:.0%}."
    )
    if proposed is None:
        return finding(answer="ok", summary=counted)
    if proposed > longest:
        return finding(
            answer="warning",
            summary=counted,
            trials=trial_ids(study, trials[in_last]),
            arms=arms_of(study, trials[in_last]),
            advice=(
                f"Training longer, for {proposed} steps perhaps, with the decay schedule tuned "
                "again, might help. Keep one max_train_steps for all trials of a study."
            ),
        )
    return finding(
        answer="warning",
        summary=counted,
        trials=trial_ids(study, trials[in_first]),
        arms=arms_of(study, trials[in_first]),
        advice=(
            f"max_train_steps is way too high, unless the trials overfit; {proposed} steps would "
            "do, and pay for more trials."
        ),
    )


def _consistent(trials: int, feasible: int, share: float) -> bool:
    return (
        feasible > 0
        and trials >= share * feasible
        and binomial_tail(trials, feasible, 0.5) <= SIGNIFICANCE
    )
