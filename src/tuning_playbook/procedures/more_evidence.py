"""What the checklist could not tell for want of evaluations or trials, carried out as edits."""

import math
from collections.abc import Iterator, Sequence

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.procedures.changes import Change
from tuning_playbook.study.study import Study

EVALUATIONS = 20
"""Evaluations of a trial that every check of a curve can judge: five in its last quarter."""

MOST_EVALUATIONS = 60
"""Of a trial; more would cost more than they tell."""

EVALUATE_MORE_OFTEN = "Evaluate more often"
"""How the advice of such a finding begins."""

SAMPLE = ("training", "validation_sample")


def more_evaluations(study: Study, findings: Sequence[Finding]) -> Iterator[Change]:
    """Yield the changes that let the next round tell what this one could not.

    Where a check asks for it, trials are evaluated at least `EVALUATIONS` times, at a number of
    steps that divides the run; where the validation sample misleads, the whole split is used.

    Args:
        study: The study.
        findings: What the checklist found.
    """
    training = study.spec.training
    asking = [item.check for item in findings if item.advice.startswith(EVALUATE_MORE_OFTEN)]
    every = evaluation_interval(training.max_train_steps)
    if asking and every is not None and every < training.eval_every:
        yield Change(
            asking[0],
            f"{', '.join(asking)} could not tell with {_evaluations(study)} evaluations of a "
            f"trial, so there are {training.max_train_steps // every}.",
            ((("training", "eval_every"), every),),
        )
    skewed = [item for item in findings if item.check == "sample_skew" and item.answer == "warning"]
    if skewed and training.validation_sample:
        yield Change(
            "sample_skew",
            "the sample of the validation split does not stand for the whole, which is used now.",
            ((SAMPLE, 0),),
        )


def evaluation_interval(steps: int) -> int | None:
    """Return the most steps between evaluations that divide a run into `EVALUATIONS` or more.

    None where that takes more than `MOST_EVALUATIONS`, as of a prime number of steps.

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
