"""The critical batch size, estimated from branches of one run at part of a full sweep's cost.

Rounds: the spec's search at the smallest batch size; learning rates around the best one; branches
from the middle of the best run, at each larger batch size, on several seeds. Their learning rate is
scaled by the square root of the batch size. With SGD and momentum another round scales it linearly,
and the better of the two counts.

Source: Merrill et al., "Critical Batch Size Revisited", 2025.
"""

from collections.abc import Mapping
from typing import Any

from tuning_playbook.errors import SpecError
from tuning_playbook.procedures.batch_scaling import (
    MOST_RATES,
    NEAR,
    at_size,
    further_rates,
    listed_at_sizes,
    seeds_of,
    trials_at,
)
from tuning_playbook.procedures.branch_conclusion import PLOTS, conclude
from tuning_playbook.procedures.branch_runs import (
    LINEAR,
    POWERS,
    SQUARE_ROOT,
    Fork,
    examples_of_full_sweep,
    fork_of,
    run_of,
    settings_of,
)
from tuning_playbook.procedures.procedure_history import History, Next, Outcome, StudyDocument
from tuning_playbook.procedures.round_documents import BATCH_SIZE, first_document, pinned
from tuning_playbook.procedures.scaling_sizes import SEARCHES, tunes_rate
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER
from tuning_playbook.study.schedule_hyperparameters import SCHEDULE

__all__ = ["MAX_ROUNDS", "PLOTS", "most_trials", "next"]

SWEEP, RATES = SEARCHES

MAX_ROUNDS = 1 + MOST_RATES + len(POWERS)

LINEAR_TOO = ("sgd", "momentum", "nesterov")
"""Optimizers whose learning rate is commonly scaled with the batch size."""

FEWEST_BRANCHES = 2

LEAST_WINDOWS = 20
"""Of the training loss, up to where branches are compared."""

MOST_OF_FULL = 0.25
"""Largest part of the examples of a full sweep that branches may take."""


def most_trials(document: Mapping[str, Any], settings: BatchScalingSettings) -> int:
    """Return the most trials of the rounds after the first one, reruns aside.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    first = first_document(History(document, settings))
    rates = MOST_RATES * len(NEAR) if tunes_rate(first) else 0
    return rates + len(POWERS) * len(settings.sizes)


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion.

    Raises:
        SpecError: Branches would not be much cheaper than a full sweep of the batch sizes.
    """
    settings = settings_of(history)
    if not history.rounds:
        _check_cost(history, settings)
        return StudyDocument(SWEEP, _sweep(history, settings.sizes[0]))
    trials = list(further_rates(history, settings))
    if trials:
        goal = "Are other learning rates near the best one better?"
        return StudyDocument(RATES, listed_at_sizes(history, trials, goal=goal, seeds=0))
    run = run_of(history)
    if run is None or run.censored or not run.loss:
        return conclude(history)
    fork = fork_of(history, run)
    for purpose in _scalings(run):
        if len(fork.sizes) > FEWEST_BRANCHES and not history.has(purpose):
            return StudyDocument(purpose, _branches(history, run, fork, purpose))
    return conclude(history)


def _sweep(history: History, size: int) -> dict[str, Any]:
    """Return the spec's search at one batch size."""
    document = first_document(history)
    conditional = list(at_size(document.pop("conditional", []), size))
    own = {"conditional": conditional} if conditional else {}
    return {**document, **own, "scientific": {BATCH_SIZE: [size]}, "reruns": {"seeds": 0}}


def _branches(history: History, run: Outcome, fork: Fork, purpose: str) -> dict[str, Any]:
    """Return branches of a run, which is a trial of the first round, at each batch size."""
    sizes = fork.sizes if purpose == SQUARE_ROOT else fork.sizes[1:]
    how = "the square root of the batch size" if purpose == SQUARE_ROOT else "the batch size"
    goal = (
        f"What does training lose at larger batch sizes from step {fork.step:,} on, at a learning "
        f"rate scaled by {how}?"
    )
    given = history.document["training"]
    steps = history.max_train_steps
    every = evaluation_interval(given["eval_every"], run, fork.last)
    if run.values.get(SCHEDULE.name, SCHEDULE.default) == SCHEDULE.default:
        # Other schedules depend on the length of the run.
        steps = -(-fork.last // every) * every
    branch = {"step": fork.step, "batch_size": fork.sizes[0], "rate_power": POWERS[purpose]}
    training: dict[str, Any] = {"max_train_steps": steps, "eval_every": every, "branch": branch}
    if "eval_schedule" in given:
        dense = given["eval_schedule"].get("dense_until", 0)
        training["eval_schedule"] = {"dense_until": min(dense, steps)}
    seeds = seeds_of(history.document)
    study = pinned(history, run.values, [{}], goal=goal, training=training, seeds=seeds)
    del study["training"][BATCH_SIZE]
    return {**study, "scientific": {BATCH_SIZE: list(sizes)}}


def evaluation_interval(given: int, run: Outcome, last: int) -> int:
    """Return how often branches are evaluated: as the run, or more often where that is too seldom.

    Their losses are averaged over a tenth of the run, which needs a window of their own.

    Args:
        given: Steps between the evaluations of the run.
        run: That they branch from.
        last: The step at which branches are compared.
    """
    longest = max(1, last // LEAST_WINDOWS)
    if run.steps and run.steps[0] <= longest:
        return given
    return max(every for every in range(1, given + 1) if given % every == 0 and every <= longest)


def _scalings(run: Outcome) -> tuple[str, ...]:
    """Return the purposes of the rounds of branches."""
    optimizer = run.values.get(OPTIMIZER.name, OPTIMIZER.default)
    return (SQUARE_ROOT, LINEAR) if optimizer in LINEAR_TOO else (SQUARE_ROOT,)


def _check_cost(history: History, settings: BatchScalingSettings) -> None:
    """Check that branches take at most a quarter of the examples of a full sweep."""
    first, base = first_document(history), settings.sizes[0]
    full = examples_of_full_sweep(history.document, settings)
    rates = len(NEAR) if tunes_rate(first) else 0
    trials = trials_at(first, base) + rates
    searched = history.document.get("nuisance", {}).get(OPTIMIZER.name)
    own = history.document.get("fixed", {}).get(OPTIMIZER.name, OPTIMIZER.default)
    rounds = len(POWERS) if searched or own in LINEAR_TOO else 1
    trials += rounds * (1 + seeds_of(history.document)) * len(settings.sizes)
    part = base * trials * history.max_train_steps / full
    if part > MOST_OF_FULL:
        raise SpecError(
            f"procedure.branch: branches would take {part:.0%} of the examples of a full sweep of "
            f"batch sizes up to {settings.sizes[-1]:,}, and are worth it at "
            f"{MOST_OF_FULL:.0%} at most: go on to a larger batch size with 'to', or take 'branch' "
            "away"
        )
