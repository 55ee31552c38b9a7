"""The batch size above which larger ones hardly save steps, and the fastest batch size.

Rounds with a step budget: the same search at each batch size; learning rates around the best one of
each, farther out where it is the highest or the lowest tried; reruns of the best trial of each.
With an epoch budget each batch size trains for a different number of steps, so its search is its
own round.

Source: playbook, "Choosing the batch size to minimize training time", "Changing the batch size
requires re-tuning most hyperparameters"; Shallue et al., "Measuring the Effects of Data
Parallelism on Neural Network Training", 2019.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.errors import SpecError
from tuning_playbook.procedures.procedure_history import (
    History,
    Next,
    Outcome,
    StudyDocument,
    best_of,
    rounded,
)
from tuning_playbook.procedures.round_documents import BATCH_SIZE, KEPT, first_document
from tuning_playbook.procedures.scaling_conclusion import PLOTS, conclude
from tuning_playbook.procedures.scaling_sizes import (
    RATE,
    RERUNS,
    SEARCHES,
    drawn_as,
    of_size,
    outermost,
    tunes_rate,
)
from tuning_playbook.study.batch_scaling_settings import MOST, UNKNOWN_YET, BatchScalingSettings
from tuning_playbook.study.schedule_hyperparameters import STEPS

__all__ = ["MAX_ROUNDS", "PLOTS", "most_rounds", "most_trials", "next"]

SWEEP, RATES = SEARCHES

MOST_RATES = 4
"""Most rounds of learning rates around the best one. After the first, only batch sizes take part
whose best rate is outermost, or has no other rate near it."""

NEAR = (0.5, 2**-0.5, 2**0.5, 2.0)
"""Further rates, as multiples of the best one: between those of a search over decades."""

FARTHER = (2**0.5, 2.0, 4.0, 8.0)
"""Further rates, as multiples of the best one or its inverse, where no trial lies beyond it."""

CLOSE = 1.9
"""The best rate is known well enough if the next rates tried, up and down, are closer than this
factor."""

SAME = 1.05
"""Largest ratio of two rates that count as the same, if all else is equal."""

SEEDS = 3
"""Reruns of the best trial of each batch size, unless the spec says otherwise."""

LENGTHS = ("warmup_steps", *STEPS)
"""The hyperparameters that are lengths in steps: with an epoch budget they keep their epochs."""

WITH_STEPS = 1 + MOST_RATES + 1
"""The most rounds with a step budget: the sweep, the rates and the reruns."""

MAX_ROUNDS = max(WITH_STEPS, MOST)
"""The most rounds; an epoch budget has one round for each batch size."""


def most_trials(document: Mapping[str, Any], settings: BatchScalingSettings) -> int:
    """Return the most trials of the rounds after the first one, reruns aside.

    Args:
        document: The procedure's spec.
        settings: The settings of the procedure.
    """
    first = first_document(History(document, settings))
    if settings.budget == "epochs":
        return sum(trials_at(first, size) for size in settings.sizes[1:])
    rates = MOST_RATES * len(NEAR) if tunes_rate(first) else 0
    return len(settings.sizes) * (rates + 1)


def most_rounds(settings: BatchScalingSettings) -> int:
    """Return the largest number of rounds of the procedure."""
    return len(settings.sizes) if settings.budget == "epochs" else WITH_STEPS


def next(history: History) -> Next:
    """Return the next round of a history, or its conclusion."""
    settings = history.settings
    assert isinstance(settings, BatchScalingSettings)
    if settings.largest == UNKNOWN_YET:
        raise SpecError(
            f"procedure.to: {UNKNOWN_YET} leaves no batch sizes to compare; give a batch size of "
            "four times 'from' or more"
        )
    if settings.budget == "epochs":
        if len(history.rounds) < len(settings.sizes):
            size = settings.sizes[len(history.rounds)]
            return StudyDocument(SWEEP, _with_epochs(history, settings, size))
        return conclude(history)
    if not history.rounds:
        return StudyDocument(SWEEP, _sweep(history, settings))
    trials = list(further_rates(history, settings))
    if trials:
        goal = "Are other learning rates near the best one of each batch size better?"
        return StudyDocument(RATES, listed_at_sizes(history, trials, goal=goal, seeds=0))
    seeds = seeds_of(history.document)
    if seeds and not history.has(RERUNS):
        bests = [best_of(of_size(history, size, SEARCHES)) for size in settings.sizes]
        again = [dict(item.values) for item in bests if item and not item.censored]
        if again:
            goal = "How many steps does the best trial of each batch size need on other seeds?"
            return StudyDocument(RERUNS, listed_at_sizes(history, again, goal=goal, seeds=seeds))
    return conclude(history)


def _sweep(history: History, settings: BatchScalingSettings) -> dict[str, Any]:
    """Return the spec's search, with the batch sizes as its arms."""
    document = first_document(history)
    compared = {BATCH_SIZE: list(settings.sizes)}
    return {**document, "scientific": compared, "reruns": {"seeds": 0}}


def _with_epochs(history: History, settings: BatchScalingSettings, size: int) -> dict[str, Any]:
    """Return the spec's search at a batch size, with as many examples as at the smallest one."""
    document = first_document(history)
    given = document["training"]
    part = settings.sizes[0] / size
    every = max(1, round(given["eval_every"] * part))
    steps = every * max(1, round(given["max_train_steps"] * part / every))
    dense = given.get("eval_schedule", {}).get("dense_until", 0)
    training = {**given, "max_train_steps": steps, "eval_every": every}
    training["eval_schedule"] = {"dense_until": min(dense, steps)}
    conditional = list(at_size(document.get("conditional", []), size, part))
    return {
        **document,
        **_shortened(document, part),
        "goal": f"How many steps to the target at a batch size of {size}?",
        "scientific": {BATCH_SIZE: [size]},
        "training": training,
        "reruns": {"seeds": seeds_of(history.document)},
        **({"conditional": conditional} if conditional else {}),
    }


def _shortened(part: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Return what a part of a spec fixes, with lengths in steps multiplied by `share`."""
    fixed = {
        name: max(1, round(value * share))
        if name in LENGTHS and isinstance(value, int) and value > 0
        else value
        for name, value in part.get("fixed", {}).items()
    }
    return {"fixed": fixed} if fixed else {}


def at_size(
    parts: Sequence[Mapping[str, Any]], size: int, share: float = 1.0
) -> Iterator[dict[str, Any]]:
    """Yield the conditional parts of a spec that hold at a batch size, without conditions on it.

    Lengths in steps that they fix are multiplied by `share`.
    """
    for part in parts:
        when = dict(part["when"])
        sizes = when.get(BATCH_SIZE, size)
        if size not in (sizes if isinstance(sizes, list) else [sizes]):
            continue
        if BATCH_SIZE in when:
            when[BATCH_SIZE] = size
        within = list(at_size(part.get("conditional", []), size, share))
        yield {
            **part,
            **_shortened(part, share),
            "when": when,
            **({"conditional": within} if within else {}),
        }


def further_rates(
    history: History, settings: BatchScalingSettings
) -> Iterator[Mapping[str, Value]]:
    """Yield trials with learning rates around the best one of each batch size that needs them."""
    rounds = sum(item.purpose == RATES for item in history.rounds)
    if not tunes_rate(history.rounds[0].document) or rounds >= MOST_RATES:
        return
    for size in settings.sizes:
        tried = list(of_size(history, size, SEARCHES))
        if not tried:  # the sweep is incomplete, and there are none of this batch size
            continue
        side = outermost(tried)
        best = best_of(iter(tried)) or min(tried, key=lambda item: item.rate)
        if rounds and side == 0 and _is_close(best, drawn_as(best, tried)):
            continue
        for factor in NEAR if side == 0 else [factor**side for factor in FARTHER]:
            trial = {**best.values, RATE: rounded(best.rate * factor)}
            if not any(_alike(trial, item) for item in tried):
                yield trial


def _is_close(best: Outcome, tried: Sequence[Outcome]) -> bool:
    """Return whether rates near the best one were tried, up and down."""
    ratios = [item.rate / best.rate for item in tried]
    up, down = (ratio for ratio in ratios if ratio > 1), (1 / r for r in ratios if r < 1)
    return max(min(up, default=1.0), min(down, default=1.0)) < CLOSE


def _alike(trial: Mapping[str, Value], item: Outcome) -> bool:
    """Return whether a trial with nearly the same learning rate was tried already."""
    others = {*trial, *item.values} - {RATE}
    if any(trial.get(name) != item.values.get(name) for name in others if not _derived(name)):
        return False
    return abs(math.log(float(trial[RATE]) / item.rate)) < math.log(SAME)


def listed_at_sizes(
    history: History, trials: Sequence[Mapping[str, Value]], *, goal: str, seeds: int
) -> dict[str, Any]:
    """Return a study of listed trials, with the batch sizes as its arms.

    What all trials share is fixed.
    """
    names = {name for trial in trials for name in trial if not _derived(name)}
    varied = {name for name in names if len({repr(trial.get(name)) for trial in trials}) > 1}
    varied |= {BATCH_SIZE}
    sizes = sorted({int(trial[BATCH_SIZE]) for trial in trials})
    document = {key: history.document[key] for key in KEPT if key in history.document}
    fixed = {name: trials[0][name] for name in sorted(names - varied)}
    if len(sizes) == 1:
        document["training"] = {**document["training"], BATCH_SIZE: sizes[0]}
        varied -= {BATCH_SIZE}
    else:
        document["scientific"] = {BATCH_SIZE: sizes}
    listed = [{name: trial[name] for name in sorted(varied) if name in trial} for trial in trials]
    search = {"algorithm": "list", "trials": listed}
    about = {"goal": goal, **document, "fixed": fixed, "search": search}
    return {**about, "reruns": {"seeds": seeds}}


def _derived(name: str) -> bool:
    """Return whether a value is one minus another; then the other one is enough."""
    return name.startswith(ONE_MINUS)


def seeds_of(document: Mapping[str, Any]) -> int:
    return int(document.get("reruns", {}).get("seeds", SEEDS))


def trials_at(document: Mapping[str, Any], size: int) -> int:
    """Return the trials of a search at a batch size."""
    search = document["search"]
    if search["algorithm"] == "list":
        return len(search["trials"])
    if search["algorithm"] != "grid":
        return int(search["trials"])
    points = search["points"]
    searched = dict(document.get("nuisance", {}))
    for part in at_size(document.get("conditional", []), size):
        if set(part["when"]) == {BATCH_SIZE}:
            searched |= part.get("nuisance", {})
    each = [
        len(drawn["choice"])
        if "choice" in drawn
        else points
        if isinstance(points, int)
        else points[name]
        for name, drawn in searched.items()
    ]
    return math.prod(each)
