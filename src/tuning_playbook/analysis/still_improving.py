"""Are the trials still improving at the end of training?"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.memory import memory_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import best_trials, curves, eval_fractions, late, trial_id
from tuning_playbook.analysis.trend import (
    LEAST_NOISES,
    fit_trend,
    judged_part,
    starts_early,
    whole_gain,
)
from tuning_playbook.study.needs import EARLY, LEAST_POINTS
from tuning_playbook.study.thresholds import DEFAULTS, StillImproving

ADVICE = (
    "Train longer and tune the learning rate decay schedule again: with more steps the arms may "
    "rank otherwise."
)


def still_improving(
    study: xr.Dataset, thresholds: StillImproving = DEFAULTS.still_improving
) -> Finding:
    """Tell whether the best trial of an arm was still improving when training ended.

    A line through the validation objective over the `last` part of training must improve
    significantly (one-sided t test, its p-value times the number of arms at most `significance`),
    by at least two standard deviations of the evaluations about it, and by at least `least_share`
    of what training gained in all. Where that holds in any arm it is a warning. A trial ends where
    its own training did. A trial whose first evaluation comes after a tenth of its training is not
    judged: what it gained in all is not known.

    The test allows for noise that remembers its last value (`memory_in`).

    With curves that are flat by then and independent noise at most 2 % of studies are warned about,
    with noise that remembers at most 5 %. With 20 evaluations and two arms, an objective that
    improves over the last quarter by eight times its noise from one evaluation to the next is found
    nine times in ten.

    Source: playbook, "Examining the training curves".
    """
    last = thresholds.last
    validation = curves(study, "validation")
    fractions = eval_fractions(study)
    windows = late(fractions, 1 - last)
    bests = {
        arm: (trial, values)
        for arm, trial in best_trials(study).items()
        if (values := judged_part(validation[trial], windows[trial])) is not None
        and starts_early(validation[trial], fractions[trial])
    }
    memory = memory_in(study, validation)
    rows: list[dict[str, Any]] = []
    for arm, (trial, values) in bests.items():
        trend = fit_trend(-values, memory)
        p_value = min(1.0, len(bests) * trend.p_rising)
        gain = whole_gain(validation[trial])
        least = max(LEAST_NOISES * trend.noise, thresholds.least_share * gain)
        improves = trend.change >= least and p_value <= thresholds.significance
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "improvement": trend.change,
                "noise": trend.noise,
                "p_value": p_value,
                "still_improving": bool(improves),
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
        section="Examining the training curves",
        arms=arms_in(study, improving or rows),
    )
    if improving:
        return finding(
            answer="warning",
            summary=" ".join(_improves(row, last) for row in improving),
            trials=tuple(row["trial"] for row in improving),
            advice=ADVICE,
        )
    if not rows:
        return finding(
            answer="cannot tell",
            summary=(
                f"No best trial has {LEAST_POINTS} evaluations in the last {last:.0%} of training, "
                f"and one in its first {EARLY:.0%}."
            ),
            advice="Evaluate more often, and from the start.",
        )
    return finding(
        answer="ok",
        summary=(
            f"The best trial of no arm improves beyond its noise in the last {last:.0%} of "
            "training."
        ),
    )


def _improves(row: Mapping[str, Any], last: float) -> str:
    return (
        f"The best trial of {row['arm']} ({row['trial']}) improves by {text(row['improvement'])} "
        f"over the last {last:.0%} of training."
    )
