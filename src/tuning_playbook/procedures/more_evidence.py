"""More evaluations or trials, as edits, where the checklist had too few to answer."""

import math
from collections.abc import Iterator, Sequence

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.procedures.changes import Change
from tuning_playbook.study.needs import model_trials
from tuning_playbook.study.study import Arm, Study

EVALUATIONS = 20
"""Evaluations of a trial that are enough for every check of a curve: five in its last quarter."""

MOST_EVALUATIONS = 60
"""Most evaluations of a trial; more would cost more than they are worth."""

EVALUATE_MORE_OFTEN = "Evaluate more often"
"""The beginning of the advice of such a finding."""

SAMPLE = ("training", "validation_sample")

EVERY = ("training", "eval_every")

TRIALS_WOULD_TELL = ("importance", "nothing_matters")
"""The checks that cannot answer with too few trials, and that know how many they need."""

MOST_MORE = 2
"""Most trials of an arm, as a multiple of those that it had."""


def more_evaluations(study: Study, findings: Sequence[Finding]) -> Iterator[Change]:
    """Yield the changes that let the next round answer what this one could not.

    Where a check asks for it, trials are evaluated at least `EVALUATIONS` times, at a number of
    steps that divides the run; where the validation sample misleads, the whole split is used.

    Args:
        study: The study.
        findings: What the checklist found.
    """
    training = study.spec.training
    asking = sorted(asking_for_evaluations(findings))
    every = evaluation_interval(training.max_train_steps)
    if asking and every is not None and every < training.eval_every:
        yield Change(
            asking[0],
            f"{', '.join(asking)} could not judge with {_evaluations(study)} evaluations of a "
            f"trial, so there are {training.max_train_steps // every}.",
            ((EVERY, every),),
        )
    skewed = [item for item in findings if item.check == "sample_skew" and item.answer == "warning"]
    if skewed and training.validation_sample:
        yield Change(
            "sample_skew",
            "the sample of the validation split does not represent the whole, which is used now.",
            ((SAMPLE, 0),),
        )


def asking_for_evaluations(findings: Sequence[Finding]) -> set[str]:
    """Return the checks that ask for more evaluations of a trial."""
    return {item.check for item in findings if item.advice.startswith(EVALUATE_MORE_OFTEN)}


def trials_that_would_tell(study: Study, findings: Sequence[Finding], arms: Sequence[Arm]) -> int:
    """Return how many trials of an arm the checks need that could not answer; 0 where none does.

    Args:
        study: The study.
        findings: What the checklist found.
        arms: The arms that go on.
    """
    needed = 0
    unable = {item.check for item in findings if item.answer == "cannot tell" and item.advice}
    if "importance" in unable:
        axes = max(arm.searched_at_once for arm in arms)
        needed = model_trials(axes)
    if "nothing_matters" in unable:
        least = study.spec.checklist.nothing_matters.least_trials
        needed = max(needed, math.ceil(least / len(arms)))
    return needed


def evaluation_interval(steps: int) -> int | None:
    """Return the longest interval between evaluations that gives a run `EVALUATIONS` or more.

    None where that takes more than `MOST_EVALUATIONS`, as for a prime number of steps.

    Example:
        >>> [evaluation_interval(steps) for steps in (300, 250, 7919)]
        [15, 10, None]
    """
    least = max(1, math.ceil(steps / MOST_EVALUATIONS))
    most = max(1, steps // EVALUATIONS)
    return next((every for every in range(most, least - 1, -1) if steps % every == 0), None)


def _evaluations(study: Study) -> int:
    training = study.spec.training
    return training.max_train_steps // training.eval_every
