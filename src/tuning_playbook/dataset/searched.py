"""The searched hyperparameters of a study, as the attributes of `hp_<name>` hold them.

A conditional hyperparameter is a different hyperparameter in each condition though it bears one
name, so one variable `hp_learning_rate` may describe several. Its attributes, from `role` to
`arms`, are lists then, with an entry for each.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xarray as xr


@dataclass(frozen=True)
class Searched:
    """One searched hyperparameter: where it exists and over what it was searched.

    Attributes:
        name: As in the spec (`one_minus_momentum`); the dataset's variable is `hp_<name>`.
        condition: Where it exists, as `optimizer=adam`; empty where it exists in every arm.
        arms: The names of the arms in which it exists.
        role: `nuisance` or `scientific`.
        distribution: `uniform`, `log_uniform`, `int_uniform`, `log_int_uniform`, `choice`,
            or `list` where the spec gave explicit values.
        low: Lower end of the range; NaN for a choice.
        high: Upper end; NaN for a choice.
        scale: `linear`, `log` or `categorical`.
        choices: The values of a choice or a list.
        lowest: Smallest valid value; minus infinity where none is declared.
        highest: Largest valid value; infinity where none is declared.
        when: The values of nuisance choices with which it exists; empty where all trials of its
            arms have it.
    """

    name: str
    condition: str
    arms: tuple[str, ...]
    role: str
    distribution: str
    low: float
    high: float
    scale: str
    choices: tuple[Any, ...] = ()
    lowest: float = -math.inf
    highest: float = math.inf
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """The dataset's variable that holds the values."""
        return f"hp_{self.name}"

    @property
    def label(self) -> str:
        """The name, with its condition where it has one."""
        return f"{self.name} ({self.condition})" if self.condition else self.name


def to_attributes(searched: Sequence[Searched]) -> dict[str, Any]:
    """Describe the same-named `searched` as the attributes of their one variable."""
    attributes: dict[str, Any] = {
        "role": [item.role for item in searched],
        "distribution": [item.distribution for item in searched],
        "low": [item.low for item in searched],
        "high": [item.high for item in searched],
        "lowest": [item.lowest for item in searched],
        "highest": [item.highest for item in searched],
        "scale": [item.scale for item in searched],
        "condition": [item.condition for item in searched],
        "choices": [json.dumps(item.choices) for item in searched],
        "arms": [json.dumps(item.arms) for item in searched],
    }
    if any(item.when for item in searched):
        attributes["when"] = [json.dumps(item.when) for item in searched]
    return {key: values[0] if len(values) == 1 else values for key, values in attributes.items()}


def read_searched(study: xr.Dataset) -> tuple[Searched, ...]:
    """Return the searched hyperparameters of a dataset, in the order of the spec."""
    found = []
    for name, variable in study.data_vars.items():
        attributes = variable.attrs
        if not str(name).startswith("hp_") or "distribution" not in attributes:
            continue
        columns: dict[str, list[Any]] = {
            key: [value] if isinstance(value, str | float | int) else list(value)
            for key, value in attributes.items()
        }
        count = len(columns["distribution"])
        # Datasets of earlier versions do not say which values are valid.
        lowest = columns.get("lowest", [-math.inf] * count)
        highest = columns.get("highest", [math.inf] * count)
        when = columns.get("when", ["{}"] * count)
        for index in range(count):
            found.append(
                Searched(
                    name=str(name).removeprefix("hp_"),
                    condition=str(columns["condition"][index]),
                    arms=tuple(json.loads(columns["arms"][index])),
                    role=str(columns["role"][index]),
                    distribution=str(columns["distribution"][index]),
                    low=float(columns["low"][index]),
                    high=float(columns["high"][index]),
                    scale=str(columns["scale"][index]),
                    choices=tuple(json.loads(columns["choices"][index])),
                    lowest=float(lowest[index]),
                    highest=float(highest[index]),
                    when={
                        choice: tuple(values) for choice, values in json.loads(when[index]).items()
                    },
                )
            )
    return tuple(found)
