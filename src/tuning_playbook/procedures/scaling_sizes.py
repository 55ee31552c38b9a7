"""The results of `batch_scaling` for each batch size: its best trial, steps and time."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.procedures.listed_trials import own_values
from tuning_playbook.procedures.procedure_history import (
    FinishedRound,
    History,
    Outcome,
    StepCost,
    best_of,
)
from tuning_playbook.procedures.round_documents import BATCH_SIZE
from tuning_playbook.procedures.scaling_fit import SizeRuns
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings
from tuning_playbook.study.conditions import BRING_THEIR_OWN

RATE = "learning_rate"

SEARCHES = ("sweep", "rates")
"""The purposes of the rounds in which the best trial is sought."""

RERUNS = "reruns"

FEW_EVALUATIONS = 5
"""With fewer evaluations than this, the number of steps is known to no better than a tenth."""


@dataclass(frozen=True)
class SizeResult:
    """The results of a batch size.

    Attributes:
        size: Examples a step.
        best: Its best trial; None where none is feasible.
        runs: The runs of that trial: its reruns if it has any, else the trial itself. Their steps
            are at the middle of the evaluation interval in which they reached the target.
        steps: The steps to the target: the mean of the runs, or their median where some missed it;
            None where half of them or more did.
        untrained: Whether the untrained model was at the target.
        coarse: Whether the steps are only a few evaluations.
        side: 1 where its best learning rate is the highest tried, -1 where it is the lowest,
            else 0.
        cost: The time of a step; None where that is not known.
        machines: The kinds of machine on which that was measured.
    """

    size: int
    best: Outcome | None
    runs: SizeRuns
    steps: float | None
    untrained: bool
    coarse: bool
    side: int
    cost: StepCost | None
    machines: frozenset[str]

    @property
    def seconds(self) -> float | None:
        """Return the time to the target."""
        return None if self.steps is None or self.cost is None else self.steps * self.cost.seconds

    @property
    def device_seconds(self) -> float | None:
        """Return the time to the target multiplied by the number of devices."""
        seconds = self.seconds
        return None if seconds is None or self.cost is None else seconds * self.cost.devices


def size_results(history: History) -> tuple[SizeResult, ...]:
    """Return the results of each batch size, the smallest first."""
    settings = history.settings
    assert isinstance(settings, BatchScalingSettings)
    return tuple(_result(history, settings, size) for size in settings.sizes)


def of_size(history: History, size: int, purposes: Sequence[str]) -> Iterator[Outcome]:
    """Yield the outcomes at a batch size in the rounds with some purposes."""
    for item in history.of(*purposes):
        if item.values[BATCH_SIZE] == size:
            yield item


def tunes_rate(document: Mapping[str, Any]) -> bool:
    """Return whether the search of a spec varies the learning rate."""
    parts = [document]
    while parts:
        part = parts.pop()
        parts += part.get("conditional", [])
        if RATE in part.get("nuisance", {}):
            return True
    listed = document["search"].get("trials")
    return isinstance(listed, list) and any(RATE in trial for trial in listed)


def drawn_as(best: Outcome, tried: Sequence[Outcome]) -> list[Outcome]:
    """Return the trials with the same optimizer and schedule as a trial."""
    return [
        item
        for item in tried
        if all(item.values.get(name) == best.values.get(name) for name in BRING_THEIR_OWN)
    ]


def outermost(tried: Sequence[Outcome]) -> int:
    """Return 1 if the best learning rate is the highest tried, -1 if it is the lowest, else 0.

    If no trial is feasible it is -1, because lower rates should be tried. Rates of another
    optimizer or schedule do not count.
    """
    best = best_of(iter(tried))
    if best is None:
        return -1
    rates = [item.rate for item in drawn_as(best, tried)]
    if min(rates) == max(rates):
        return 0
    return (best.rate == max(rates)) - (best.rate == min(rates))


def evaluation_gap(steps: float, training: Mapping[str, Any]) -> float:
    """Return the number of steps between an evaluation and the one before it.

    Args:
        steps: The step of the evaluation.
        training: The `training` part of its study.

    Example:
        >>> evaluation_gap(150, {"eval_every": 50}), evaluation_gap(0, {"eval_every": 50})
        (50, 0)
        >>> evaluation_gap(50, {"eval_every": 50, "eval_schedule": {"dense_until": 20}})
        30
    """
    every, dense = training["eval_every"], training.get("eval_schedule", {}).get("dense_until", 0)
    if steps <= dense:
        return min(1, steps)
    before = (math.ceil(steps / every) - 1) * every
    return steps - max(before, dense) if steps else 0


def _result(history: History, settings: BatchScalingSettings, size: int) -> SizeResult:
    tried = list(of_size(history, size, SEARCHES))
    best = best_of(iter(tried))
    again = [] if best is None else list(_reruns(history, best))
    if best is not None and not again:
        again = [(best, _round_of(history, best).document["training"])]
    reached, middle, missed, gaps = [], [], [], []
    for item, training in again:
        if item.loss is None or item.censored:
            missed.append(float(training["max_train_steps"]))
            continue
        gap = evaluation_gap(item.loss, training)
        gaps.append(gap)
        reached.append(item.loss)
        middle.append(item.loss - gap / 2)
    found = sorted(item.loss for item in tried if item.loss and not item.censored)
    cost, machines = _cost(history, settings, size)
    return SizeResult(
        size=size,
        best=best,
        runs=SizeRuns(size, tuple(middle), tuple(missed), tuple(found) if len(tried) > 1 else ()),
        steps=_typical(reached, len(missed)),
        untrained=0.0 in reached,
        coarse=any(s < FEW_EVALUATIONS * gap for s, gap in zip(reached, gaps, strict=True)),
        side=outermost(tried) if tunes_rate(history.rounds[0].document) else 0,
        cost=cost,
        machines=machines,
    )


def _typical(reached: Sequence[float], missed: int) -> float | None:
    """Return the typical steps of some runs, of which some may have missed the target."""
    if not missed:
        return statistics.fmean(reached) if reached else None
    middle = statistics.median([*reached, *[math.inf] * missed])
    return middle if math.isfinite(middle) else None


def _reruns(history: History, best: Outcome) -> Iterator[tuple[Outcome, Mapping[str, Any]]]:
    """Yield the reruns of a trial, each with the `training` part of its round."""
    for item in history.rounds:
        for rerun in item.reruns:
            if own_values(rerun.values) == own_values(best.values):
                yield rerun, item.document["training"]


def _round_of(history: History, outcome: Outcome) -> FinishedRound:
    return next(item for item in history.rounds if outcome in item.outcomes)


def _cost(
    history: History, settings: BatchScalingSettings, size: int
) -> tuple[StepCost | None, frozenset[str]]:
    """Return the time of a step at a batch size, and the machines on which it was measured.

    The spec may give it; else it is the median of the trials.
    """
    if settings.step_times:
        said = [item for item in settings.step_times if item.batch_size == size]
        cost = StepCost(float(said[0].seconds), said[0].devices, "") if said else None
        return cost, frozenset()
    known = [
        item.costs[outcome.trial]
        for item in history.rounds
        for outcome in (*item.outcomes, *item.reruns)
        if outcome.values[BATCH_SIZE] == size and outcome.trial in item.costs
    ]
    if not known:
        return None, frozenset()
    seconds = statistics.median(cost.seconds for cost in known)
    devices = statistics.median(cost.devices for cost in known)
    return StepCost(seconds, devices, ""), frozenset(cost.machine for cost in known)
