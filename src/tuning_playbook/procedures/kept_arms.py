"""A spec without the arms that lost: what all remaining arms share is fixed.

The code works on a spec as YAML gives it, with values in the places of references.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, same, spec_name
from tuning_playbook.study.conditions import SEARCHED
from tuning_playbook.study.study import Arm

BATCH_SIZE = "batch_size"

ROLES = ("scientific", "nuisance", "fixed")


def keep_arms(document: dict[str, Any], arms: Sequence[Arm]) -> None:
    """Remove from a spec every arm but some.

    A scientific hyperparameter with one remaining value is fixed at it. A part under a condition
    that holds in every remaining arm loses its condition; one that holds in none is removed. Where
    the remaining arms are not all combinations of their values, the other combinations stay too.

    Args:
        document: The spec, which is changed.
        arms: The arms to keep.
    """
    decided: dict[str, Any] = {}
    _keep(document, arms, decided)
    if BATCH_SIZE in document.get("fixed", {}):
        document.setdefault("training", {})[BATCH_SIZE] = document["fixed"].pop(BATCH_SIZE)
    if "scientific" not in document and not document.get("conditional"):
        document.pop("design", None)
    simpler = document.get("launch", {}).get("simpler", {})
    for name in decided:
        simpler.pop(name, None)
    if "simpler" in document.get("launch", {}) and not simpler:
        del document["launch"]["simpler"]
    _keep_entries(document.get("search", {}), arms, decided)
    _tidy(document)


def _keep(part: dict[str, Any], arms: Sequence[Arm], decided: dict[str, Any]) -> None:
    for given in part.pop("conditional", []):
        inner = dict(given)
        here = [arm for arm in arms if _holds(inner["when"], arm)]
        if not here:
            continue
        drawn = {n: given for n, given in inner["when"].items() if n not in here[0].scientific}
        if len(here) == len(arms) and not drawn:
            inner.pop("when")
            _keep(inner, here, decided)
            for role in ROLES:
                if inner.get(role):
                    part[role] = {**part.get(role, {}), **inner[role]}
            part.setdefault("conditional", []).extend(inner.get("conditional", []))
        else:
            of_arms = {n: given for n, given in inner["when"].items() if n not in drawn}
            inner["when"] = {**_when(of_arms, arms, here), **drawn}
            _keep(inner, here, decided)
            part.setdefault("conditional", []).append(inner)
    for name in list(part.get("scientific", {})):
        left = _distinct([arm.scientific[name] for arm in arms if name in arm.scientific])
        if len(left) > 1:
            part["scientific"][name] = left
        elif left:  # else it is sampled over a range
            del part["scientific"][name]
            decided[name] = left[0]
            if left[0] != SEARCHED:
                for written in (name, ONE_MINUS + name):
                    part.get("nuisance", {}).pop(written, None)
                part["fixed"] = {**part.get("fixed", {}), name: left[0]}
    _tidy(part)


def _holds(when: Mapping[str, Any], arm: Arm) -> bool:
    """Return whether an arm meets a condition, with any of its draws."""
    return any(
        all(
            name in setting and any(same(setting[name], value) for value in _listed(given))
            for name, given in when.items()
        )
        for setting in arm.settings
    )


def _when(when: Mapping[str, Any], arms: Sequence[Arm], here: Sequence[Arm]) -> dict[str, Any]:
    """Return a condition without what all remaining arms share, or no longer have."""
    found: dict[str, Any] = {}
    for name in when:
        everywhere = _distinct([arm.scientific.get(name) for arm in arms])
        values = _distinct([arm.scientific[name] for arm in here])
        if len(everywhere) > 1:
            found[name] = values[0] if len(values) == 1 else values
    return found


def _keep_entries(search: dict[str, Any], arms: Sequence[Arm], decided: Mapping[str, Any]) -> None:
    """Remove from listed trials, and from a grid, what belongs to no remaining arm."""
    if isinstance(search.get("trials"), list):
        search["trials"] = [
            {name: value for name, value in entry.items() if name not in decided}
            for entry in search["trials"]
            if any(_in_arm(entry, arm) for arm in arms)
        ]
    if isinstance(search.get("points"), dict):
        searched = {spec_name(item.name) for arm in arms for item in arm.dimensions}
        search["points"] = {n: count for n, count in search["points"].items() if n in searched}


def _in_arm(entry: Mapping[str, Any], arm: Arm) -> bool:
    named = {name: value for name, value in entry.items() if name in arm.scientific}
    return all(same(arm.scientific[name], value) for name, value in named.items())


def _tidy(part: dict[str, Any]) -> None:
    for key in (*ROLES, "conditional"):
        if key in part and not part[key]:
            del part[key]


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _distinct(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(
            value is item or (None not in (value, item) and same(value, item)) for item in found
        ):
            found.append(value)
    return found
