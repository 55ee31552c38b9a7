"""Study specs for the tests, as small changes of one that trains in about a second."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tuning_playbook.planning.plan import Plan, plan_study

SMALL: dict[str, Any] = {
    "goal": "Does the small study run?",
    "workload": "digits_mlp",
    "objective": {"metric": "validation/error_rate", "mode": "min"},
    "training": {"max_train_steps": 50, "batch_size": 32, "eval_every": 25},
    "nuisance": {"learning_rate": {"log_uniform": [1.0e-3, 1.0e-1]}},
    "fixed": {"optimizer": "momentum", "width": 16},
    "search": {"algorithm": "halton", "trials": 4},
    "reruns": {"seeds": 2},
    "resources": {"trials_per_job": 1},
}

REMOVED = object()
"""As a value in `changed`: take the key away."""

STABILITY: dict[str, Any] = {
    "goal": "Is training unstable just above the best learning rate?",
    "procedure": {"name": "stability", "rates": [1, 40], "look_steps": 20},
    "fixed.learning_rate": 0.05,
    "nuisance": REMOVED,
    "search": REMOVED,
    "reruns": REMOVED,
    "resources.trials_per_job": 16,
}
"""The changes that make a procedure of three rounds of it."""


def changed(changes: dict[str, Any], base: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the small spec with changes, each named by its dotted path."""
    spec = deepcopy(SMALL if base is None else base)
    for path, value in changes.items():
        *parents, key = path.split(".")
        place = spec
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is REMOVED:
            del place[key]
        else:
            place[key] = value
    return spec


def write_spec(path: Path, spec: dict[str, Any]) -> Path:
    """Write a spec as YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(spec, file)
    return path


def plan_of(folder: Path, changes: dict[str, Any] | None = None, name: str = "small") -> Plan:
    """Return the plan of the small spec with changes, written to `folder`."""
    path = write_spec(folder / f"{name}.yaml", changed(changes or {}))
    return plan_study(path)
