"""What limits a decision in the reruns themselves: bad runs, a coarse metric, unequal training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import last_steps, members
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.study.study import BASELINE

FAR = 3.0
"""A rerun is bad if it is worse than the next one by this multiple of the spread of all others. Of
five normal values one is that far off once in 90 cases."""

FEW = 10
"""With fewer reruns, a bad run in ten goes unseen more often than in one decision of three."""

COARSE = 1.0
"""A metric is coarse if its steps are at least this many standard deviations of the reruns."""


def cautions(
    candidate: TrialVariance | None,
    variances: Mapping[str, TrialVariance],
    reruns: xr.Dataset | None,
    hyperparameters: Mapping[str, Mapping[str, Any]],
    *,
    sign: float,
) -> list[str]:
    """Return what limits the decision, in sentences.

    Args:
        candidate: The candidate's reruns; None where there is no candidate.
        variances: The reruns of every arm, and of the baseline, by name.
        reruns: The dataset of all reruns; None where there are none.
        hyperparameters: The rerun configurations, by arm.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
    """
    found = _bad_runs(candidate, variances, sign)
    found += _coarse(list(variances.values()))
    if candidate is not None and reruns is not None:
        found += _lengths(candidate.arm, reruns)
        found += _batch_sizes(candidate.arm, hyperparameters)
    return found


def _bad_runs(
    candidate: TrialVariance | None, variances: Mapping[str, TrialVariance], sign: float
) -> list[str]:
    having = [
        row.arm for row in variances.values() if row.infeasible or row.missed or _has_bad(row, sign)
    ]
    if not having or candidate is None or len(candidate.comparable) >= FEW:
        return []
    counted = candidate.beyond is not None
    missing = "infeasible, or miss the target" if counted else "or infeasible"
    return [
        f"Some reruns are much worse than their siblings, {missing} ({'; '.join(having)}). With "
        "this few reruns it is not known how often that happens. If one bad run in ten makes a "
        "candidate no better on average than the baseline, five reruns still adopt it in 24 of a "
        "hundred cases (simulated)."
    ]


def _has_bad(row: TrialVariance, sign: float) -> bool:
    """Return whether the worst rerun is far from all others."""
    values = np.sort(sign * np.array(row.feasible, dtype=float))
    if len(values) < 4:
        return False
    others = float(values[-1] - values[1])
    return bool(values[1] - values[0] > FAR * others > 0)


def _coarse(rows: Sequence[TrialVariance]) -> list[str]:
    """Say where the metric's steps are as large as the differences between reruns."""
    known = [row for row in rows if row.known]
    values = np.unique(np.round([value for row in known for value in row.feasible], 12))
    deviations = [row.standard_deviation for row in known if row.standard_deviation]
    if len(values) < 2 or not deviations:
        return []
    step, deviation = float(np.diff(values).min()), float(np.median(deviations))
    ties = len(values) < sum(len(row.feasible) for row in known) / 2
    if not ties or step < COARSE * deviation:
        return []
    see_more = (
        "More examples, or a metric that counts by degrees (a loss), would see more."
        if all(row.beyond is None for row in known)
        else "More evaluations would see more: a smaller eval_every."
    )
    return [
        f"The objective moves in steps of {text(step)}, and reruns differ by a standard deviation "
        f"of {text(deviation)}: it is too coarse to see less. {see_more}"
    ]


def _lengths(arm: str, reruns: xr.Dataset) -> list[str]:
    steps = {name: set(last_steps(reruns)[members(reruns, name)]) for name in (arm, BASELINE)}
    if not all(steps.values()) or steps[arm] == steps[BASELINE]:
        return []
    new, old = (max(steps[name]) for name in (arm, BASELINE))
    return [
        f"The candidate trained for {new:,} steps and the baseline for {old:,}: what is better may "
        "be the longer training alone."
    ]


def _batch_sizes(arm: str, hyperparameters: Mapping[str, Mapping[str, Any]]) -> list[str]:
    new, old = (hyperparameters.get(name, {}).get("batch_size") for name in (arm, BASELINE))
    if not new or not old or new == old:
        return []
    return [
        f"The candidate trains on batches of {new:g} and the baseline on {old:g}, so in as many "
        f"steps it sees {new / old:.2g} times as many examples."
    ]
