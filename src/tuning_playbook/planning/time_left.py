"""How long trainings are expected to take, and how far that may be off.

The estimate rests on finished trials: those of the study itself, else those of other studies of the
workload. Their logarithmic times spread; a sum of many trainings spreads less.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuning_playbook.planning.budget import (
    EarlierTrial,
    paces_like,
    read_earlier_trials,
    training_seconds,
)
from tuning_playbook.planning.plan import Plan

USUAL_SPREAD, USUAL_COUNT = 0.3, 2
"""The assumed standard deviation of the logarithm of a trial's time, and the number of trials that
this assumption counts as."""

OWN_DRIFT = 0.1
"""By how much the pace of a machine changes until the other trials are trained, as a standard
deviation of its logarithm."""

OTHER_STUDY = math.log(1.5)
"""Likewise from one study of a workload to the next, if fewer than two studies are known."""

NINE_OF_TEN = 1.645
"""Standard deviations on either side of the mean that hold nine of ten cases."""


@dataclass(frozen=True)
class Expected:
    """The expected time of a study's trainings.

    Attributes:
        seconds: The time of one training in each arm, and of the baseline, by name; None where it
            is not known.
        spread: The standard deviation of the logarithm of a trial's time.
        known: The number of trials that the estimate rests on.
        drift: By how much all trainings together may be slower or faster, likewise.
    """

    seconds: dict[str, float | None]
    spread: float
    known: int
    drift: float

    def factor(self, trainings: float) -> float:
        """Return the factor by which the time of some trainings is off at most, in 9 of 10 cases.

        Args:
            trainings: How many are to come, at least one.
        """
        of_the_sum = self.spread**2 / max(trainings, 1.0)
        of_the_middle = self.spread**2 / max(self.known, 1)
        return math.exp(NINE_OF_TEN * math.sqrt(of_the_sum + of_the_middle + self.drift**2))


def expected_seconds(plan: Plan, results: Path) -> Expected:
    """Return the expected time of a study's trainings.

    Args:
        plan: The study's.
        results: The folder of all results. The study's own trials are used if it has any, else
            those of other studies.
    """
    own = read_earlier_trials(results, plan.study.name)
    if own:
        return expected_of(plan, own, own=True)
    return expected_of(plan, read_earlier_trials(results), own=False)


def expected_of(plan: Plan, earlier: Iterable[EarlierTrial], *, own: bool) -> Expected:
    """Return the expected time of a study's trainings, given the times of earlier trials.

    The first trial of a job that needs a program compiles it. So the time of compiling is divided
    by the number of trials of a job, before that many are known.

    Args:
        plan: The study's.
        earlier: Trials that were completed; those of other workloads are ignored.
        own: Whether they are the study's own.
    """
    like = [trial for trial in earlier if trial.workload == plan.study.workload.name]
    running = [_without_compiling(trial) for trial in like]
    per_job = len(plan.trials) / max(len(plan.packs), 1)
    compiled = [trial.compile_seconds for trial in like if trial.compile_seconds > 0]
    compiling = 0.0
    if compiled:
        compiling = statistics.median(compiled) * len(compiled) / max(len(like), per_job)
    seconds = {
        arm: time if time is None else time + compiling
        for arm, time in training_seconds(plan, running).items()
    }
    drift = OWN_DRIFT if own else _between_studies(running)
    return Expected(seconds, _spread(plan, running), len(running), drift)


def _without_compiling(trial: EarlierTrial) -> EarlierTrial:
    """Return a trial without compiling in its pace."""
    pace = trial.seconds_per_step - trial.compile_seconds / trial.steps
    return replace(trial, seconds_per_step=max(pace, 0.0))


def _spread(plan: Plan, like: Sequence[EarlierTrial]) -> float:
    """Return the spread of logarithmic times around the mean of each arm.

    The usual spread has some weight.
    """
    squares, degrees = USUAL_COUNT * USUAL_SPREAD**2, float(USUAL_COUNT)
    arms = [paces_like(like, arm.batch_size, arm.scientific) for arm in plan.study.arms]
    for paces in {tuple(paces) for paces in arms}:  # arms without trials share those of all
        logs = _logs(paces)
        if len(logs) > 1:
            middle = statistics.mean(logs)
            squares += sum((item - middle) ** 2 for item in logs)
            degrees += len(logs) - 1
    return math.sqrt(squares / degrees)


def _between_studies(like: Sequence[EarlierTrial]) -> float:
    """Return how the pace differs from study to study, as a deviation of its logarithm."""
    studies: dict[tuple[str, int], list[float]] = {}
    for trial in like:
        studies.setdefault((trial.study, trial.batch_size), []).append(trial.seconds_per_step)
    middles = [statistics.median(logs) for paces in studies.values() if (logs := _logs(paces))]
    if len(middles) < 2:
        return OTHER_STUDY
    return math.hypot(statistics.stdev(middles), OWN_DRIFT)


def _logs(paces: Iterable[float]) -> list[float]:
    return [math.log(pace) for pace in paces if pace > 0]
