"""A hyperparameter of some arms, written into a spec: under a condition unless all arms have it.

The code works on a spec as YAML gives it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, Value, same
from tuning_playbook.study.conditions import SEARCHED
from tuning_playbook.study.study import Arm


@dataclass(frozen=True)
class Entry:
    """A hyperparameter of some arms in one role.

    Attributes:
        role: `scientific`, `nuisance` or `fixed`.
        name: Its name in the spec, `one_minus_` included.
        content: Its value or range, as the spec writes it.
        arms: The arms that have it.
        when: The values of nuisance choices with which their trials have it.
    """

    role: str
    name: str
    content: Any
    arms: tuple[Arm, ...]
    when: Mapping[str, Sequence[Value]] = field(default_factory=dict)


def put_entry(document: dict[str, Any], entry: Entry, arms: Sequence[Arm]) -> None:
    """Write an entry into a spec.

    Args:
        document: The spec, which is changed.
        entry: The entry.
        arms: All arms of the spec.
    """
    drawn = _written({name: list(values) for name, values in entry.when.items()})
    for when in ({**of_arms, **drawn} for of_arms in _conditions(entry, arms)):
        place = _under(document.setdefault("conditional", []), when) if when else document
        place.setdefault(entry.role, {})[entry.name] = entry.content


def distinct(values: Sequence[Value]) -> list[Value]:
    """Return values in their order, each once."""
    found: list[Value] = []
    for value in values:
        if not any(same(value, item) for item in found):
            found.append(value)
    return found


def _conditions(entry: Entry, arms: Sequence[Arm]) -> list[dict[str, Value | list[Value]]]:
    """Return conditions that only the arms of an entry meet; a single one if possible.

    They name as few scientific hyperparameters as possible. The entry's own hyperparameter is not
    named: a range beside it says that it is searched.
    """
    if len(entry.arms) == len(arms):
        return [{}]
    target = entry.name.removeprefix(ONE_MINUS)
    inside = {arm.name for arm in entry.arms}
    searching = all(arm.scientific.get(target) == SEARCHED for arm in entry.arms)
    others = [arm for arm in arms if not searching or arm.scientific.get(target) == SEARCHED]
    names = [
        name
        for name in entry.arms[0].scientific
        if name != target and all(name in arm.scientific for arm in entry.arms)
    ]
    for size in range(len(names) + 1):
        for chosen in itertools.combinations(names, size):
            wanted = {n: distinct([arm.scientific[n] for arm in entry.arms]) for n in chosen}
            if {arm.name for arm in others if _meets(arm, wanted)} == inside:
                return [_written(wanted)]
    return [_written({n: [arm.scientific[n]] for n in arm.scientific}) for arm in entry.arms]


def _meets(arm: Arm, wanted: Mapping[str, Sequence[Value]]) -> bool:
    return all(
        name in arm.scientific and any(same(arm.scientific[name], value) for value in values)
        for name, values in wanted.items()
    )


def _written(wanted: Mapping[str, list[Value]]) -> dict[str, Value | list[Value]]:
    return {name: values[0] if len(values) == 1 else values for name, values in wanted.items()}


def _under(conditional: list[dict[str, Any]], when: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a spec under a condition, which is added if it does not exist."""
    for part in conditional:
        if repr(part["when"]) == repr(when):
            return part
    conditional.append({"when": dict(when)})
    return conditional[-1]
