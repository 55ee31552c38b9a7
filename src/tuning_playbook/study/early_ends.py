"""Which finished trials ended before the others, or before they were to end, and how."""

import itertools
import statistics

from tuning_playbook.study.study import Study
from tuning_playbook.trials.imported_trial import ImportedTrial

WHOLE_RUN = 0.95
"""A trial that got so far has trained as long as any; time limits end runs a little apart."""

MAX_TRAIN_STEPS = "max_train_steps"
"""As a hyperparameter of a trial: how long it was to train."""

MOST_NAMED = 5
"""This many trials are named in a sentence; the table of trials names all."""


def early_ends(study: Study) -> dict[str, str]:
    """Return how each finished trial ended that trained for fewer steps than the longest, by name.

    A trial has ended early where its source says so, or where an evaluation is missing at its end.
    Trials that are evaluated at steps of their own, as after equal times, may end up to 5 % before
    the longest. An infeasible trial has a reason of its own, and a trial of an archive trained for
    the steps that it was given.
    """
    found = {}
    longest = max((_last(trial) for trial in study.imported), default=0)
    whole = max(longest, study.spec.training.max_train_steps)
    grid = {
        step
        for trial in study.imported
        if _last(trial) == longest
        for step in trial.record.evaluations.steps
    }
    for trial in study.imported:
        if trial.record.status != "completed" or trial.trained is not None:
            continue
        if trial.ended:
            found[trial.name] = trial.ended
            continue
        told = trial.hyperparameters.get(MAX_TRAIN_STEPS)
        own = told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else None
        end, last = own or whole, _last(trial)
        exact = own or whole > longest or set(trial.record.evaluations.steps) <= grid
        if last + (_gap(trial, study) if exact else 0) <= (1 if exact else WHOLE_RUN) * end:
            found[trial.name] = f"ended at step {last:,} of {end:,}"
    return found


def early_ends_sentence(study: Study) -> str:
    """Name the finished trials that ended early, in a sentence; empty where none did."""
    found = early_ends(study)
    if not found:
        return ""
    named = [f"{name} ({how})" for name, how in itertools.islice(found.items(), MOST_NAMED)]
    more = len(found) - len(named)
    listed = ", ".join(named) + (f", and {more} more" if more else "")
    return (
        f"{len(found)} of {len(study.imported)} trials trained for fewer steps than they might "
        f"have: {listed}. Trained as long as the others, they might have reached another objective."
    )


def _last(trial: ImportedTrial) -> int:
    """Return the last step at which anything was measured of a trial."""
    measured = (trial.record.evaluations, trial.record.logged)
    return max((int(curves.steps[-1]) for curves in measured if len(curves.steps)), default=0)


def _gap(trial: ImportedTrial, study: Study) -> float:
    """Return the steps between a trial's evaluations; the study's where it has a single one."""
    steps = trial.record.evaluations.steps
    gaps = [later - earlier for earlier, later in itertools.pairwise(steps)]
    return max(1.0, statistics.median(gaps) if gaps else study.spec.training.eval_every)
