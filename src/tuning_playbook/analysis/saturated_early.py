"""Has performance saturated long before the final training step?"""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.memory import memory_in
from tuning_playbook.analysis.ranking import (
    Floats,
    best_trials,
    collapsed,
    curves,
    eval_fractions,
    late,
    trial_id,
)
from tuning_playbook.analysis.trend import (
    fit_trend,
    judged_part,
    starts_early,
    whole_gain,
)
from tuning_playbook.study.needs import EARLY, LEAST_POINTS
from tuning_playbook.study.thresholds import DEFAULTS, SaturatedEarly

CONFIDENCE = 0.95
"""How sure it must be that nothing more was gained."""


def saturated_early(
    study: xr.Dataset, thresholds: SaturatedEarly = DEFAULTS.saturated_early
) -> Finding:
    """Tell whether training and validation performance saturated long before the end.

    A curve saturated early if after the `saturated_by` part of training it gained nothing: the
    upper 95 % bound of what a line through the rest improves is below the share `nothing` of what
    training gained in all. So noise cannot make a curve look saturated. If that holds for the
    objective's metric on both splits in the best trial of every arm it is a warning; one arm that
    needs its steps is enough against it, because all trials of a study train for the same number of
    steps. A best trial that collapsed did not saturate. Where the metric was not measured on both
    splits, or not from early on, so that what training gained in all is not known, no more is told
    than that.

    Where training still gains 1 % or more in a straight line after its first quarter at most 5 %
    of studies are warned about. With 20 evaluations whose noise is a quarter of a per cent of the
    gain, curves that are flat after the first quarter are found nine times in ten.

    Source: playbook, "Examining the training curves".
    """
    start = thresholds.saturated_by
    fractions = eval_fractions(study)
    rest = late(fractions, start)
    splits = {split: curves(study, split) for split in ("train", "validation")}
    memory = {split: memory_in(study, values) for split, values in splits.items()}
    lost = collapsed(study)
    rows: list[dict[str, Any]] = []
    for arm, trial in best_trials(study).items():
        gains = {
            split: late_gain(values[trial], rest[trial], memory[split])
            for split, values in splits.items()
        }
        known = [gain for gain in gains.values() if gain is not None]
        # Of a curve that starts late the whole gain is at least what is seen of it.
        gains_late = [
            gain is not None
            and gain >= thresholds.nothing
            and starts_early(splits[split][trial], fractions[trial])
            for split, gain in gains.items()
        ]
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "late_gain_at_most": gains,
                "collapsed": bool(lost[trial]),
                "saturated": not lost[trial]
                and len(known) == len(gains)
                and max(known) < thresholds.nothing,
                "gains_late": bool(lost[trial]) or any(gains_late),
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
        section="Examining the training curves",
        arms=arms_in(study, rows),
    )
    unknown = [split for split, values in splits.items() if not np.isfinite(values).any()]
    if rows and unknown:
        return finding(
            answer="cannot tell",
            summary=f"The objective's metric was not measured on {' and '.join(unknown)} data.",
            advice="Evaluate on both.",
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
    if not any(row["gains_late"] for row in rows):
        gained = [
            whole_gain(values[trial]) > 0
            for values in splits.values()
            for trial in best_trials(study).values()
            if judged_part(values[trial], rest[trial]) is not None
        ]
        if gained and not any(gained):
            return finding(
                answer="cannot tell", summary="No best trial gained anything in training."
            )
        return finding(
            answer="cannot tell",
            summary=(
                f"Not every arm's best trial has {LEAST_POINTS} evaluations after the first "
                f"{start:.0%} of training, and one in its first {EARLY:.0%}, on training and "
                "validation data."
            ),
            advice="Evaluate more often, from the start, and on both.",
        )
    return finding(
        answer="ok",
        summary=(
            f"Not every arm's best trial had saturated after the first {start:.0%} of training."
        ),
    )


def late_gain(curve: Floats, rest: NDArray[np.bool_], memory: float = 0.0) -> float | None:
    """Return at most how much of its whole gain a curve makes in the `rest` of its evaluations.

    Args:
        curve: Smaller being better: [eval_step].
        rest: Which evaluations come late: [eval_step].
        memory: The correlation of an evaluation's noise with the next one's.

    Returns:
        The upper 95 % bound, as a share; None where too little is known.
    """
    values = judged_part(curve, rest)
    if values is None or not whole_gain(curve) > 0:
        return None
    return fit_trend(-values, memory).upper_bound(CONFIDENCE) / whole_gain(curve)
