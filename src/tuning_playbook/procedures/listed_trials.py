"""A round of listed trials that may differ in anything, even in the optimizer and the schedule."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.declarations import Value, same, target_of
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.procedures.round_documents import BATCH_SIZE, KEPT

Values = Mapping[str, Value]


def listed_trials(
    history: History, trials: Sequence[Values], *, goal: str, steps: int
) -> dict[str, Any]:
    """Return a study of some trials of one seed. If batch sizes differ, each is an arm.

    Args:
        history: The procedure so far.
        trials: Every hyperparameter of each, `batch_size` included.
        goal: The study's.
        steps: Its `max_train_steps`.
    """
    document = {key: history.document[key] for key in KEPT if key in history.document}
    whole = [own_values(trial) for trial in trials]
    varied = varied_names(whole)
    fixed = {name: value for name, value in whole[0].items() if name not in varied}
    training = {**document["training"], "max_train_steps": steps}
    training.pop(BATCH_SIZE, None)
    roles: dict[str, Any] = {"fixed": fixed}
    if BATCH_SIZE in fixed:
        training[BATCH_SIZE] = fixed.pop(BATCH_SIZE)
    else:
        sizes = dict.fromkeys(trial[BATCH_SIZE] for trial in whole)
        roles["scientific"] = {BATCH_SIZE: list(sizes)}
    listed = [{name: trial[name] for name in varied if name in trial} for trial in whole]
    return {
        "goal": goal,
        **document,
        "training": training,
        **roles,
        "search": {"algorithm": "list", "trials": listed},
        "reruns": {"seeds": 0},
    }


def own_values(trial: Values) -> dict[str, Value]:
    """Return the hyperparameters of a trial by their own names, each once."""
    return {name: value for name, value in trial.items() if name == target_of(name)}


def varied_names(trials: Sequence[Values]) -> list[str]:
    """Return the names whose values differ between trials, or that only some trials have."""
    names = dict.fromkeys(name for trial in trials for name in own_values(trial))
    return [name for name in names if not _is_common(name, trials)]


def _is_common(name: str, trials: Sequence[Values]) -> bool:
    return all(name in trial and same(trial[name], trials[0][name]) for trial in trials)
