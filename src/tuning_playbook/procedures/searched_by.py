"""What each arm of a spec searches, read from the spec as YAML gives it."""

from collections.abc import Mapping
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.study import shape
from tuning_playbook.study.conditions import Part, draws_of, parts_of, settings_of
from tuning_playbook.study.distributions import Distribution

NEEDED = ("goal", "workload", "objective", "training", "search")
"""The keys that every spec has."""

ROLES = ("scientific", "nuisance", "conditional")
"""The keys that say what is searched."""


def searched_by_arms(document: Mapping[str, Any]) -> list[tuple[Distribution, ...]]:
    """Return the distributions that each arm of a spec searches: [arm].

    Values of a list search without a distribution are not included.

    Args:
        document: The spec, with values in the places of references.
    """
    parts = _parts(document)
    return [
        tuple(
            distribution
            for part in parts
            if any(part.holds({**setting, **drawn}) for drawn in draws_of(parts, setting, {}))
            for distribution in (*part.sampled.values(), *part.nuisance.values())
        )
        for setting in settings_of(parts)
    ]


def searches_nothing(document: Mapping[str, Any]) -> bool:
    """Return whether no arm of a spec searches anything, so that each has a single trial."""
    return not any(searched_by_arms(document))


def listed_values(document: Mapping[str, Any]) -> dict[str, list[Value]]:
    """Return the values that each scientific hyperparameter of every arm takes, by its name.

    A choice and a short range of whole numbers have values. One that is sampled has none.
    """
    return {name: list(values) for name, values in _parts(document)[0].values.items()}


def may_repeat_points(document: Mapping[str, Any]) -> bool:
    """Return whether another seed of the search may give an arm a point that it had before.

    With a real range it cannot. With only choices and whole numbers it may, and a list or a grid
    always does.
    """
    if document["search"]["algorithm"] in ("list", "grid"):
        return True
    return not all(
        any(not item.integer and item.kind != "choice" for item in arm)
        for arm in searched_by_arms(document)
    )


def _parts(document: Mapping[str, Any]) -> tuple[Part, ...]:
    content = {key: document[key] for key in (*NEEDED, *ROLES) if key in document}
    return parts_of(shape.StudySpec.model_validate(content))
