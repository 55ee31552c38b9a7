"""The hyperparameters of trials, as a dataset holds them."""

from typing import Any

import xarray as xr

from tuning_playbook.analysis.numbers import plain
from tuning_playbook.declarations import Value

PREFIX = "hp_"
"""What the names of their variables begin with."""


def value_columns(dataset: xr.Dataset) -> dict[str, list[Any]]:
    """Return the value of each hyperparameter in every trial: name to [trial]."""
    return {name: dataset[PREFIX + name].to_numpy().tolist() for name in _names(dataset)}


def values_of(dataset: xr.Dataset, position: int) -> dict[str, Any]:
    """Return the value of each hyperparameter that the trial at `position` has, by name."""
    values = {name: plain(dataset[PREFIX + name].values[position]) for name in _names(dataset)}
    return {name: value for name, value in values.items() if value is not None}


def spec_values_of(dataset: xr.Dataset, position: int) -> dict[str, Any]:
    """Return the same values as a spec writes them: a dataset holds a truth value as a text."""
    return {name: as_in_a_spec(value) for name, value in values_of(dataset, position).items()}


def as_in_a_spec(value: Value) -> Value:
    """Return a value as a spec has it: a dataset holds a truth value as a text."""
    return value == "true" if value in ("true", "false") else value


def _names(dataset: xr.Dataset) -> list[str]:
    names = [str(name) for name in dataset.data_vars]
    return [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
