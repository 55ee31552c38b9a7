"""A study's trials as a journal that Optuna reads and goes on from.

    storage = JournalStorage(JournalFileBackend("study.log"))
    study = optuna.load_study(study_name="optimizer_choice", storage=storage)

Source: https://github.com/optuna/optuna, `optuna/storages/journal/_storage.py`.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.searched import Searched, read_searched

CREATE_STUDY, CREATE_TRIAL = 0, 4
COMPLETE, FAIL = 1, 3
MINIMIZE, MAXIMIZE = 1, 2

WORKER = "tuning-playbook"
"""Every line of a journal names who wrote it."""


def optuna_journal(study: xr.Dataset) -> str:
    """Return the journal of one study: a line for the study, and one for each trial.

    What was searched, and the scientific hyperparameters, are parameters; the evaluations of the
    objective's metric are what a trial reported; everything else about a trial is an attribute. An
    infeasible trial has failed. Where steps to a target rank the trials, the value is the metric's
    best one, which is what was reported, and the steps are an attribute.

    Args:
        study: The study's dataset.
    """
    mode = str(study.attrs["objective_mode"])
    name = str(study.attrs["study"])
    lines: list[dict[str, Any]] = [
        {
            "op_code": CREATE_STUDY,
            "worker_id": WORKER,
            "study_name": name,
            "directions": [MINIMIZE if mode == "min" else MAXIMIZE],
        }
    ]
    searched = read_searched(study)
    choices = _scientific(study, searched)
    for place in range(study.sizes["trial"]):
        lines.append(_trial(study.isel(trial=place), searched, choices))
    return "".join(json.dumps(line) + "\n" for line in lines)


def _trial(
    trial: xr.Dataset, searched: tuple[Searched, ...], choices: Mapping[str, list[Any]]
) -> dict[str, Any]:
    distributions: dict[str, str] = {}
    params: dict[str, float] = {}
    for name, distribution, internal in _parameters(trial, searched, choices):
        distributions[name] = json.dumps(distribution)
        params[name] = internal
    counted = "best_value" in trial
    objective = float(trial["best_value" if counted else "objective"])
    feasible = math.isfinite(objective)
    attributes = {
        name: _plain(trial[name].values)
        for name in ("arm", "seed", "status", "infeasible_reason", "source_trial", "best_step")
        if name in trial
    }
    if counted:
        attributes["steps_to_target"] = _plain(trial["objective"].values)
    attributes |= {
        str(name).removeprefix("hp_"): value
        for name, variable in trial.data_vars.items()
        if str(name).startswith("hp_")
        and str(name).removeprefix("hp_") not in params
        and (value := _plain(variable.values)) not in (None, "")
    }
    return {
        "op_code": CREATE_TRIAL,
        "worker_id": WORKER,
        "study_id": 0,
        "datetime_start": None,
        "state": COMPLETE if feasible else FAIL,
        "value": objective if feasible else None,
        "values": None,
        "distributions": distributions,
        "params": params,
        "user_attrs": {"trial": str(trial["trial"].values), **attributes},
        "system_attrs": {},
        "intermediate_values": _reported(trial),
    }


def _parameters(
    trial: xr.Dataset, searched: tuple[Searched, ...], choices: Mapping[str, list[Any]]
) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Yield the name of each parameter, its distribution, and its value as a journal keeps it."""
    arm = str(trial["arm"].values)
    for item in searched:
        value = _plain(trial[item.variable].values)
        if arm not in item.arms or value in (None, ""):
            continue
        if item.distribution in ("choice", "list"):
            listed = list(item.choices)
            if value in listed:
                yield item.name, _categorical(listed), listed.index(value)
            continue
        whole = item.distribution.endswith("int_uniform")
        number = int if whole else float
        given = {
            "low": number(item.low),
            "high": number(item.high),
            "log": item.scale == "log",
            "step": 1 if whole else None,
        }
        kind = "IntDistribution" if whole else "FloatDistribution"
        yield item.name, {"name": kind, "attributes": given}, float(value)
    for name, listed in choices.items():
        value = _plain(trial[f"hp_{name}"].values)
        if value in listed:
            yield name, _categorical(listed), listed.index(value)


def _scientific(study: xr.Dataset, searched: tuple[Searched, ...]) -> dict[str, list[Any]]:
    """Return the values of each scientific hyperparameter that made arms."""
    taken = {item.name for item in searched}
    found = {}
    for name, variable in study.data_vars.items():
        short = str(name).removeprefix("hp_")
        if variable.attrs.get("role") == "scientific" and short not in taken:
            values = [_plain(value) for value in variable.values]
            found[short] = [value for value in dict.fromkeys(values) if value not in (None, "")]
    return found


def _categorical(choices: list[Any]) -> dict[str, Any]:
    return {"name": "CategoricalDistribution", "attributes": {"choices": choices}}


def _reported(trial: xr.Dataset) -> dict[str, float]:
    split, _, name = str(trial.attrs["objective_metric"]).partition("/")
    if name not in trial or "eval_step" not in trial[name].dims:
        return {}
    values = trial[name].sel(split=split).values
    steps = trial["eval_step"].values
    return {
        str(int(step)): float(value)
        for step, value in zip(steps, values, strict=True)
        if math.isfinite(float(value))
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; None for what is not a number."""
    item = value.item() if isinstance(value, np.ndarray | np.generic) else value
    return None if isinstance(item, float) and not math.isfinite(item) else item
