"""A round of listed trials that may differ in anything, the optimizer and the schedule included."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, Value, same
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.procedures.round_documents import BATCH_SIZE, KEPT
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER
from tuning_playbook.study.schedule_hyperparameters import SCHEDULE

COMPARED = (BATCH_SIZE, OPTIMIZER.name, SCHEDULE.name)
"""What is never searched: where trials differ in it, each value is an arm."""

Values = Mapping[str, Value]


def listed_trials(
    history: History, trials: Sequence[Values], *, goal: str, steps: int
) -> dict[str, Any]:
    """Return a study of some trials of one seed.

    Args:
        history: The procedure so far.
        trials: Every hyperparameter of each, `batch_size` included.
        goal: The study's.
        steps: Its `max_train_steps`.
    """
    document = {key: history.document[key] for key in KEPT if key in history.document}
    training = {**document["training"], "max_train_steps": steps}
    training.pop(BATCH_SIZE, None)
    whole = [{k: v for k, v in trial.items() if not k.startswith(ONE_MINUS)} for trial in trials]
    sizes = {trial[BATCH_SIZE] for trial in trials}
    if len(sizes) == 1:
        training[BATCH_SIZE] = sizes.pop()
        whole = [{k: v for k, v in trial.items() if k != BATCH_SIZE} for trial in whole]
    roles, listed = _roles(whole, [name for name in COMPARED if name in whole[0]])
    return {
        "goal": goal,
        **document,
        "training": training,
        **roles,
        "search": {"algorithm": "list", "trials": listed},
        "reruns": {"seeds": 0},
    }


def varied_names(trials: Sequence[Values]) -> list[str]:
    """Return the names whose values differ between trials, or that some trials alone have."""
    names = dict.fromkeys(
        name for trial in trials for name in trial if not name.startswith(ONE_MINUS)
    )
    return [name for name in names if not _is_common(name, trials)]


def _roles(
    trials: Sequence[Values], compared: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Value]]]:
    """Return what a part of a spec says of some trials, and the entries of its list.

    What is compared makes a condition for each of its values, with a part of its own within.
    """
    for place, name in enumerate(compared):
        values = list(dict.fromkeys(trial[name] for trial in trials))
        if len(values) > 1:
            parts, listed = [], list[dict[str, Value]]()
            for value in values:
                # The name is given by the condition, so it is no longer one of the trial's own.
                alone = [
                    {k: v for k, v in trial.items() if k != name}
                    for trial in trials
                    if trial[name] == value
                ]
                roles, entries = _roles(alone, compared[place + 1 :])
                parts.append({"when": {name: value}, **roles})
                listed += [{name: value, **entry} for entry in entries]
            return {"scientific": {name: values}, "conditional": parts}, listed
    varied = varied_names(trials)
    fixed = {name: value for name, value in trials[0].items() if name not in varied}
    return {"fixed": fixed}, [{name: trial[name] for name in varied} for trial in trials]


def _is_common(name: str, trials: Sequence[Values]) -> bool:
    return all(name in trial and same(trial[name], trials[0][name]) for trial in trials)
