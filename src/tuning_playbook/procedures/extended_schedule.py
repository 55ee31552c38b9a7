"""The learning rate schedule of a trial that trains for longer than before.

Source: playbook, "Deciding how long to train when training is compute-bound", Round 2.
"""

from collections.abc import Mapping
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.study.families import OWN
from tuning_playbook.study.idle_rate import DECAY_STEPS, HOLD_STEPS, WARMUP_STEPS, train_steps
from tuning_playbook.study.schedule_hyperparameters import STEPS
from tuning_playbook.study.shape import Training

PLATEAU, DECAY = "plateau", "decay"
"""The part that becomes longer: the time at the base rate, or the decay from it."""

UNCHANGED = ("constant", OWN)
"""Schedules without a decay to extend: the constant one, and the workload's own, which gets the
length of the run."""


def extended(
    values: Mapping[str, Value], training: Mapping[str, Any], steps: int, extend: str | None = None
) -> dict[str, Value]:
    """Return the values of a trial with its schedule extended to a longer run.

    The warmup stays as it is. With a longer plateau the decay keeps its length, and its distance
    from the end of the run. With a longer decay everything after the warmup is stretched.

    Args:
        values: Every hyperparameter of the trial.
        training: The `training` part of its spec.
        steps: The `max_train_steps` of the longer run.
        extend: `plateau` or `decay`; None for the decay of a cosine, and the plateau of others.

    Example:
        >>> linear = {"schedule": "linear", "warmup_steps": 10, "hold_steps": 0, "decay_steps": 0}
        >>> training = {"max_train_steps": 100, "eval_every": 10}
        >>> longer = extended(linear, training, 500)
        >>> longer["hold_steps"], longer["decay_steps"]
        (400, 90)
    """
    schedule = str(values["schedule"])
    if schedule in UNCHANGED:
        return dict(values)
    before = Training.model_validate(training)
    after = before.model_copy(update={"max_train_steps": steps})
    warmup = int(values.get(WARMUP_STEPS, 0))
    short, long = train_steps(before, warmup), train_steps(after, warmup)
    if extended_part(schedule, extend) == PLATEAU:
        hold = int(values[HOLD_STEPS])
        decay = int(values[DECAY_STEPS]) or max(1, short - warmup - hold)
        return {**values, HOLD_STEPS: hold + long - short, DECAY_STEPS: decay}
    stretch = (long - warmup) / max(1, short - warmup)
    return {
        name: round(int(value) * stretch) if name in STEPS else value
        for name, value in values.items()
    }


def extended_part(schedule: str, extend: str | None) -> str:
    """Return which part of a schedule becomes longer; empty if it has no decay."""
    if schedule in UNCHANGED:
        return ""
    return extend or (DECAY if schedule == "cosine" else PLATEAU)
