"""What a hyperparameter was searched over where nobody said: a range, taken from the trials.

What was drawn from one range ends a little elsewhere in every arm. What was searched over other
ranges, as learning rates of different optimizers are, is another hyperparameter in each arm, and
its best trial is looked for at the edges of that arm's own range.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

from tuning_playbook.declarations import Value
from tuning_playbook.study.distributions import Distribution, Kind

Number = int | float

LOG_RATIO = 10.0
"""Positive values that span this ratio or more were meant in orders of magnitude."""

LEAST_VALUES = 3
"""Fewer different values than this are no range: they are the values that were tried."""

APART = 0.25
"""Ends that lie within this part of the wider range of each other are as good as one."""

CHANCE = 0.01
"""How seldom chance may put so many trials of one arm beyond the end of another's."""


def range_of(values: Sequence[Value]) -> Distribution | None:
    """Return the range that values span; None where they span none.

    It is logarithmic where they are positive and span a factor of ten. Texts, truth values and
    fewer than three different numbers span no range.

    Example:
        >>> range_of([0.001, 0.2, 0.03])
        Distribution(kind='log_uniform', low=0.001, high=0.2, choices=())
    """
    numbers = numbers_in(values)
    if len(numbers) < len(values) or len(set(numbers)) < LEAST_VALUES:
        return None
    low, high = min(numbers), max(numbers)
    whole = all(isinstance(number, int) for number in numbers)
    kinds: tuple[Kind, Kind] = (
        ("int_uniform", "log_int_uniform") if whole else ("uniform", "log_uniform")
    )
    return Distribution(kinds[_logarithmic(low, high)], float(low), float(high))


def differ_clearly(one: Sequence[Value], other: Sequence[Value]) -> bool:
    """Whether the values of two arms were searched over different ranges.

    They were where the ends of their ranges lie apart on one side, by more than a quarter of the
    wider range in its scale, and that is no accident of few trials:

    - the two do not overlap, or
    - a value stands more than once, so that values were listed and not drawn, and the ends of a
      list are exact, or
    - so many values of the one lie beyond the end of the other that chance, dealing the values of
      both to two arms of these sizes, does so less than once in a hundred times.

    An arm with one value has no range, and differs from none.

    Example:
        >>> differ_clearly([1e-3, 1e-2, 1e-1], [1e-6, 1e-5, 1e-4])
        True
        >>> differ_clearly([1e-3, 1e-2, 1e-1], [5e-4, 2e-2, 3e-1])
        False
    """
    ours, theirs = numbers_in(one), numbers_in(other)
    if len(set(ours)) < 2 or len(set(theirs)) < 2:
        return False
    both = [*ours, *theirs]
    log = _logarithmic(min(both), max(both))
    first, second = ([math.log(v) if log else float(v) for v in item] for item in (ours, theirs))
    overlap = min(first) <= max(second) and min(second) <= max(first)
    known = not overlap or len(set(both)) < len(both)
    room = APART * max(max(first) - min(first), max(second) - min(second))
    for sign in (-1.0, 1.0):
        outer, inner = sorted(
            ([sign * value for value in item] for item in (first, second)), key=max, reverse=True
        )
        beyond = sum(value > max(inner) for value in outer)
        if max(outer) - max(inner) > room and (known or _chance(beyond, outer, inner) <= CHANCE):
            return True
    return False


def conditions_of(
    values: Mapping[str, Sequence[Value]], settings: Mapping[str, Mapping[str, Value]]
) -> tuple[str, ...]:
    """Return the scientific hyperparameters on which the range of another one depends.

    They are the fewest such that the arms which agree in them have ranges that do not differ
    clearly; none where no arm's does.

    Args:
        values: What was tried in each arm, by the arm's name.
        settings: The values of the scientific hyperparameters in each of these arms.
    """
    names = tuple(dict.fromkeys(name for arm in values for name in settings[arm]))
    pairs = [
        (one, other)
        for one, other in itertools.combinations(values, 2)
        if differ_clearly(values[one], values[other])
    ]
    for size in range(len(names)):
        for chosen in itertools.combinations(names, size):
            if all(_apart(settings[one], settings[other], chosen) for one, other in pairs):
                return chosen
    return names


def numbers_in(values: Sequence[Value]) -> list[Number]:
    """Return those of some values that are numbers."""
    return [
        value for value in values if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _apart(one: Mapping[str, Value], other: Mapping[str, Value], names: Sequence[str]) -> bool:
    """Whether two arms differ in one of these hyperparameters."""
    return any(repr(one.get(name)) != repr(other.get(name)) for name in names)


def _logarithmic(low: Number, high: Number) -> bool:
    return low > 0 and high / low >= LOG_RATIO * (1 - 1e-9)  # 0.7 and 0.07 are a factor of ten


def _chance(beyond: int, outer: Sequence[float], inner: Sequence[float]) -> float:
    """Return how often the so many farthest of all values would be of the one arm by chance."""
    return math.comb(len(outer), beyond) / math.comb(len(outer) + len(inner), beyond)
