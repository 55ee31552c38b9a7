"""The specs of a procedure's rounds."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.declarations import Value, target_of
from tuning_playbook.procedures.procedure_history import History, rounded
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER, OPTIMIZERS

KEPT = ("workload", "data", "objective", "training", "checklist", "resources")
"""The keys of the procedure's spec that every round has."""

SPAN = 100.0
"""Without a range, the learning rate is swept from its default divided by this to it times this."""

POINTS = 9
"""Rates of the sweep: two for each factor of ten."""

BATCH_SIZE = "batch_size"


def first_document(history: History) -> dict[str, Any]:
    """Return the procedure's spec as a study of one seed; without a rate, as a sweep."""
    document = dict(history.document)
    document.setdefault("reruns", {"seeds": 0})
    if is_given(history.document):
        document.setdefault("search", {"algorithm": "list", "trials": [{}]})
    elif "search" not in document:
        default = default_rate(document)
        low, high = rounded(default / SPAN), rounded(default * SPAN)
        document["nuisance"] = {"learning_rate": {"log_uniform": [low, high]}}
        document["search"] = {"algorithm": "grid", "points": POINTS}
    return document


def is_given(document: Mapping[str, Any]) -> bool:
    """Return whether a spec gives one learning rate and searches nothing."""
    searches = any(document.get(key) for key in ("scientific", "nuisance", "conditional"))
    return not searches and "learning_rate" in document.get("fixed", {})


def default_rate(document: Mapping[str, Any]) -> float:
    """Return the default learning rate of a spec's optimizer."""
    optimizer = document.get("fixed", {}).get(OPTIMIZER.name, OPTIMIZER.default)
    listed = OPTIMIZERS.get(str(optimizer), OPTIMIZERS["adam"])
    return next(float(item.default) for item in listed if item.name == "learning_rate")


def pinned(
    history: History,
    values: Mapping[str, Value],
    trials: Sequence[Mapping[str, Value]],
    *,
    goal: str,
    training: Mapping[str, Any] | None = None,
    seeds: int = 0,
) -> dict[str, Any]:
    """Return a study of listed trials that are variations of one trial.

    Args:
        history: The procedure so far.
        values: Every hyperparameter of that trial.
        trials: The differences of each trial.
        goal: The study's goal.
        training: The values under `training` that differ from the procedure's spec.
        seeds: Reruns of the best trial.
    """
    varied = {name for trial in trials for name in trial}
    fixed = {
        name: value
        for name, value in values.items()
        if name not in varied and name != BATCH_SIZE and name == target_of(name)
    }
    document = {key: history.document[key] for key in KEPT if key in history.document}
    document["training"] = {**document["training"], **(training or {})}
    if BATCH_SIZE in values:
        document["training"][BATCH_SIZE] = values[BATCH_SIZE]
    search = {"algorithm": "list", "trials": [dict(trial) for trial in trials]}
    about = {"goal": goal, **document, "fixed": fixed, "search": search}
    return {**about, "reruns": {"seeds": seeds}}
