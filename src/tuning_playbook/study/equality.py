"""When two values, and two configurations, are one."""

from collections.abc import Mapping
from typing import Any

from tuning_playbook.declarations import same, target_of


def same_value(one: object, other: object) -> bool:
    """Whether two values of a hyperparameter are one.

    Real numbers are where they agree to twelve significant digits, to which `one_minus_<name>` is
    resolved; what kind of number a file made of them does not matter. A truth value is no number.

    Example:
        >>> same_value(1 - 0.9, 0.1), same_value(1, 1.0), same_value(True, 1)
        (True, True, False)
    """
    values = (one, other)
    real = any(isinstance(value, float) for value in values)
    if real and all(_is_number(value) for value in values):
        return float(f"{one:.12g}") == float(f"{other:.12g}")
    return same(one, other)


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in which two configurations differ; none where they train alike.

    `one_minus_<name>` beside `<name>` only says it in another way, and is left out.

    Args:
        one: The values by name; a missing one is another than any value.
        other: Likewise.

    Returns:
        Those of the first in its order, then those that only the second has.
    """
    one, other = _resolved(one), _resolved(other)
    return tuple(
        name
        for name in dict.fromkeys([*one, *other])
        if name not in one or name not in other or not same_value(one[name], other[name])
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _resolved(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in hyperparameters.items()
        if name == target_of(name) or target_of(name) not in hyperparameters
    }
