"""Studies and trials as a storage of Optuna keeps them, and the values of their parameters."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SourceError
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.foreign_files import parse_json
from tuning_playbook.sources.table import Cell
from tuning_playbook.study.distributions import Distribution, Kind

Ranges = dict[str, Distribution | None]
"""What each parameter was drawn from; None where that differs between trials."""


@dataclass
class Stored:
    """A trial as the storage has it, while it is gathered."""

    where: str
    number: int
    state: str = "RUNNING"
    value: float | None = None
    params: dict[str, Cell] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)
    reported: ByStep = field(default_factory=ByStep)
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class StoredStudy:
    """A study as the storage has it, while it is gathered."""

    name: str
    directions: list[str]
    trials: list[Stored] = field(default_factory=list)


def external_value(value: Any, text: str, where: str) -> Cell:
    """Return a parameter's value, which a storage keeps as a number."""
    content = _attributes(text, where)
    number = as_number(value)
    if "choices" in content[1]:
        choices = content[1]["choices"]
        if not isinstance(choices, list) or not 0 <= number < len(choices):
            raise SourceError(f"{where}: {number:g} is the place of none of its choices")
        choice = choices[int(number)]
        return choice if isinstance(choice, Value | None) else json.dumps(choice)
    whole = content[0].startswith("Int") or content[0] == "int"
    return int(number) if whole and math.isfinite(number) else number


def _attributes(text: str, where: str) -> tuple[str, dict[str, Any]]:
    """Return the class of a distribution and its attributes, from either form of its JSON."""
    content = parse_json(text, where)
    if isinstance(content, dict):
        name = content.get("name", content.get("type"))
        attributes = content.get("attributes", content)
        if isinstance(name, str) and isinstance(attributes, dict):
            return name, attributes
    raise SourceError(f"{where}: {text[:80]!r} is no distribution of Optuna")


def distribution_of(text: str, where: str) -> Distribution | None:
    """Return what a parameter was drawn from; None where a spec cannot write that."""
    name, given = _attributes(text, where)
    if "choices" in given:
        choices = [item for item in given["choices"] if isinstance(item, Value)]
        whole = len(choices) == len(given["choices"]) > 1
        return Distribution("choice", choices=tuple(choices)) if whole else None
    try:
        low, high = float(given["low"]), float(given["high"])
    except (KeyError, TypeError, ValueError):
        raise SourceError(f"{where}: {text[:80]!r} is no distribution of Optuna") from None
    log = bool(given.get("log")) or "LogUniform" in name
    kind: Kind
    if name.startswith("Int") or name == "int":
        kind = "log_int_uniform" if log else "int_uniform"
    else:
        kind = "log_uniform" if log else "uniform"
    usable = math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not log)
    return Distribution(kind, low, high) if usable else None


def as_number(value: Any) -> float:
    """Return a number as a float; raise a ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def real_or_none(value: Any) -> float | None:
    """Return a number as a float; None for anything else."""
    return float(value) if isinstance(value, int | float) else None
