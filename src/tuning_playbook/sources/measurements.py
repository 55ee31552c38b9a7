"""What other tools measured, under this project's names, gathered step by step."""

import math
import re
from collections.abc import Callable, Mapping

from tuning_playbook.trials.dataset_names import LOGGED, TAKEN
from tuning_playbook.trials.record import Curves, Status, TrialRecord

METRIC = re.compile(r"(train|validation|test)/([A-Za-z][A-Za-z0-9_]*)")
"""A metric's column. Those of the test split are not read: that is done once, at the end."""

Steps = dict[int, dict[str, float]]
"""What was measured after a number of steps, by column."""


def split_of(column: str) -> str | None:
    """Return the split of a metric's column; None for a column that is no metric's."""
    found = METRIC.fullmatch(column)
    return found[1] if found and not found[2].startswith("hp_") and found[2] not in TAKEN else None


def is_metric(column: str) -> bool:
    """Whether a column holds a metric, or what is logged while a trial trains."""
    return split_of(column) is not None or column in LOGGED


def _evaluations(steps: Steps, objective: str) -> Curves:
    """Return the evaluations of a trial: where its objective was measured."""
    measured = {step: row for step, row in steps.items() if objective in row}
    return _curves(measured, lambda name: split_of(name) in ("train", "validation"))


def _logged(steps: Steps) -> Curves:
    """Return what was logged of a trial while it trained."""
    measured = {step: row for step, row in steps.items() if any(name in row for name in LOGGED)}
    return _curves(measured, LOGGED.__contains__)


def record_of(
    steps: Steps, logged: Steps, objective: str, told: tuple[Status, str] | None = None
) -> TrialRecord:
    """Return the record of a trial.

    Args:
        steps: What was measured of it.
        logged: What was logged while it trained.
        objective: The objective's metric.
        told: How it ended and why, where its source says that it is infeasible.
    """
    evaluations = _evaluations(steps, objective)
    status, reason = told or _outcome(evaluations, objective)
    return TrialRecord("", status, reason, evaluations, _logged(logged))


def _outcome(evaluations: Curves, objective: str) -> tuple[Status, str]:
    """Say how a trial ended, of which its source says nothing."""
    if not len(evaluations.steps):
        return "failed", f"{objective} was never measured"
    values = evaluations.values[objective]
    if math.isfinite(values[-1]):
        return "completed", ""
    finite = [number for number, value in enumerate(values) if math.isfinite(value)]
    step = evaluations.steps[finite[-1] + 1 if finite else 0]
    return "diverged", f"{objective} is not finite from step {step} on"


def _curves(measured: Mapping[int, Mapping[str, float]], wanted: Callable[[str], bool]) -> Curves:
    steps = tuple(sorted(measured))
    names = sorted(filter(wanted, {name for row in measured.values() for name in row}))
    return Curves(
        steps,
        {name: tuple(measured[step].get(name, math.nan) for step in steps) for name in names},
    )
