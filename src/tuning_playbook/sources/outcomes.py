"""How imported trials ended, where that follows from how long the others trained."""

from collections.abc import Sequence
from dataclasses import replace

from tuning_playbook.sources.runs import listed
from tuning_playbook.trials.imported_trial import ImportedTrial

SHORT_OF = 0.5
"""A trial that ended before this part of the longest one's steps is named."""

MANY = 100
"""Steps of a training that one step is nothing of."""


def with_early_ends(
    trials: Sequence[ImportedTrial], allowed: int, *, first_step_is_nothing: bool
) -> tuple[ImportedTrial, ...]:
    """Return trials of which those that ended before they trained have failed.

    A trial whose last evaluation is at step 0 never trained. One whose last is at step 1 did not
    either where steps are those of the optimizer, and the others, or the budget, take many.

    Args:
        trials: The trials of a source.
        allowed: How many steps they were to train; 0 where that is not known.
        first_step_is_nothing: Whether a step is one of the optimizer, and not an epoch.
    """
    longest = max([allowed, *(_last(trial) for trial in trials)])
    start = 1 if first_step_is_nothing and longest >= MANY else 0
    if longest <= start:
        return tuple(trials)
    return tuple(
        _failed(trial, longest) if 0 <= _last(trial) <= start else trial for trial in trials
    )


def early_ends(trials: Sequence[ImportedTrial]) -> list[str]:
    """Return what is said of feasible trials that ended long before the longest one."""
    longest = max((_last(trial) for trial in trials), default=0)
    short = [
        f"{trial.name} at step {_last(trial):,}"
        for trial in trials
        if trial.record.status == "completed" and 0 <= _last(trial) < SHORT_OF * longest
    ]
    if not short:
        return []
    return [
        f"{len(short)} of {len(trials)} trials ended before half of the {longest:,} steps of the "
        f"longest one: {listed(short)}."
    ]


def _last(trial: ImportedTrial) -> int:
    """Return the step of a trial's last evaluation; -1 without one."""
    steps = trial.record.evaluations.steps
    return int(steps[-1]) if len(steps) else -1


def _failed(trial: ImportedTrial, longest: int) -> ImportedTrial:
    if trial.record.status == "failed":
        return trial
    reason = f"it ended at step {_last(trial)} of {longest:,}, before it had trained"
    return replace(trial, record=replace(trial.record, status="failed", reason=reason))
