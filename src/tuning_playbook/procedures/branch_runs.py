"""The results of the rounds of branched training: the run, its branches' losses, and the cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuning_playbook.procedures.batch_scaling import NEAR, seeds_of, trials_at
from tuning_playbook.procedures.branch_excess import BranchLosses, excess, losses_of
from tuning_playbook.procedures.procedure_history import FinishedRound, History, Outcome, best_of
from tuning_playbook.procedures.round_documents import BATCH_SIZE, first_document
from tuning_playbook.procedures.scaling_sizes import SEARCHES, of_size, tunes_rate
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings

SQUARE_ROOT, LINEAR = "square root", "linear"

POWERS = {SQUARE_ROOT: 0.5, LINEAR: 1.0}
"""For each purpose of a round of branches, the power of the batch size that scales the rate."""

FEWEST_UPDATES = 2
"""Fewest updates of a branch: a single one does not show how training goes on."""

BRANCH_PART = 0.25
"""The part of the run after which branches leave it. Earlier branches see the fast gains of the
start. Later ones see the noise near the end, where a large batch does better than over a run."""


@dataclass(frozen=True)
class Fork:
    """Where branches leave their run.

    Attributes:
        step: The step of the branch.
        last: The step at which branches are compared: the run's at the target.
        sizes: The batch sizes with enough updates in between, that of the run first.
    """

    step: int
    last: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Branch:
    """A batch size, with the better way to scale its learning rate.

    Attributes:
        size: Examples of an update.
        scaling: The purpose of the round with that scaling.
        excess: What it loses to the run, in units of what is tolerated.
    """

    size: int
    scaling: str
    excess: float


def settings_of(history: History) -> BatchScalingSettings:
    """Return the settings of the procedure."""
    assert isinstance(history.settings, BatchScalingSettings)
    return history.settings


def run_of(history: History) -> Outcome | None:
    """Return the best trial at the smallest batch size; None where none is feasible."""
    return best_of(of_size(history, settings_of(history).sizes[0], SEARCHES))


def fork_of(history: History, run: Outcome) -> Fork:
    """Return where branches leave a run that reached the target."""
    last = int(run.loss or 0)
    step = max(1, int(BRANCH_PART * last))
    base, *others = settings_of(history).sizes
    enough = [size for size in others if (last - step) * base // size >= FEWEST_UPDATES]
    return Fork(step, last, (base, *enough))


def branches_of(history: History, fork: Fork) -> tuple[Branch, ...]:
    """Return the run and its branches, the smallest batch size first.

    A batch size that has no result is left out.
    """
    found: dict[int, Branch] = {}
    run: BranchLosses | None = None
    for item in history.rounds:
        if item.purpose not in POWERS:
            continue
        for size in fork.sizes:
            runs = list(_runs(item, size))
            # What is infeasible without a loss was never trained: it tells nothing of the size.
            if not any(run.train_losses or run.diverged for run in runs):
                continue
            losses = losses_of(runs, fork.step, fork.last)
            run = run or losses
            branch = Branch(size, item.purpose, excess(run, losses))
            if size not in found or branch.excess < found[size].excess:
                found[size] = branch
    return tuple(found[size] for size in sorted(found))


def _runs(item: FinishedRound, size: int) -> Iterator[Outcome]:
    """Yield the runs at a batch size in a round: the trial, then its reruns, by their seed."""
    for outcome in (*item.outcomes, *item.reruns):
        if outcome.values[BATCH_SIZE] == size:
            yield outcome


def examples_of(history: History) -> int:
    """Return the examples that all rounds trained on."""
    steps = [
        (len(item.outcomes) + len(item.reruns)) * int(item.document["training"]["max_train_steps"])
        for item in history.rounds
    ]
    return sum(steps) * settings_of(history).sizes[0]


def examples_of_full_sweep(document: Mapping[str, Any], settings: BatchScalingSettings) -> int:
    """Return the examples that a full sweep of a spec takes at least.

    That is the search at each batch size, one round of learning rates if the rate is searched, and
    the reruns.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    first = first_document(History(document, settings))
    rates = len(NEAR) if tunes_rate(first) else 0
    trials = {size: trials_at(first, size) + rates + seeds_of(document) for size in settings.sizes}
    steps = int(document["training"]["max_train_steps"])
    return sum(size * count * steps for size, count in trials.items())
