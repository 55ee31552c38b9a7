"""What a hyperparameter was searched over where nobody said: a range, taken from the trials.

What was drawn from one range ends a little elsewhere in every arm. What was searched over other
ranges, as learning rates of different optimizers are, is another hyperparameter in each arm, and
its best trial is looked for at the edges of that arm's own range.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.study.distributions import Distribution, Kind

Number = int | float

LOG_RATIO = 10.0
"""Positive values that span this ratio or more were meant in orders of magnitude."""

RATES = re.compile(
    r"(?:.*_)?(?:lr|learning_rate|learningrate|step_size|eta|weight_decay|wd|l1|l2|lambda|eps|epsilon)"
    r"(?:_.*)?|one_minus_.*"
)
"""Names of what is chosen by factors, and searched on a logarithmic scale however wide it is."""

CHOSEN_FROM_0_TO_1 = ("schedule", "warmup", "final", "end", "min", "drop", "factor", "decay_rate")
"""Words in the names of shares, as of a rate at its end, which are not chosen by factors."""

SAME_RATIO = 0.01
"""Values that are powers of one number but for this part were chosen by factors."""

LEAST_RATIO = 1.25
"""Of values a factor apart: of 0.90, 0.95 and 1.00 nobody means the ratio."""

LEAST_VALUES = 3
"""Fewer different values than this are no range: they are the values that were tried."""

APART = 0.25
"""Ends that lie within this part of the wider range of each other are as good as one."""

CHANCE = 0.01
"""How seldom chance may put this many trials of one arm beyond the end of another's."""


def range_of(values: Sequence[Value], name: str = "") -> Distribution | None:
    """Return the range that values span; None where they span none.

    It is logarithmic where they are positive and span a factor of ten, are one factor apart, as 16,
    32 and 64 (four, if they are no whole numbers), or are of what is chosen by factors, as a
    learning rate. Texts, truth values and fewer than three different numbers span no range.

    Args:
        values: In all trials.
        name: The hyperparameter's, with `one_minus_` where that was searched.

    Example:
        >>> range_of([0.001, 0.2, 0.03])
        Distribution(kind='log_uniform', low=0.001, high=0.2, choices=())
        >>> range_of([0.1, 0.2, 0.3]).kind, range_of([0.1, 0.2, 0.3], "peak_lr").kind
        ('uniform', 'log_uniform')
    """
    numbers = numbers_in(values)
    if len(numbers) < len(values) or len(set(numbers)) < LEAST_VALUES:
        return None
    low, high = min(numbers), max(numbers)
    whole = all(isinstance(number, int) for number in numbers)
    kinds: tuple[Kind, Kind] = (
        ("int_uniform", "log_int_uniform") if whole else ("uniform", "log_uniform")
    )
    log = _logarithmic(low, high) or (low > 0 and (_by_factors(name) or _one_factor(numbers)))
    return Distribution(kinds[log], float(low), float(high))


def differ_clearly(one: Sequence[Value], other: Sequence[Value]) -> bool:
    """Whether the values of two arms were searched over different ranges.

    They were where the ends of their ranges lie apart on one side, by more than a quarter of the
    wider range in its scale, and that is no accident of few trials:

    - the two do not overlap, or
    - a value stands more than once, so that values were listed and not drawn, and the ends of a
      list are exact, or
    - that many values of the one lie beyond the end of the other that chance, dealing the values of
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


def _by_factors(name: str) -> bool:
    """Whether a hyperparameter of this name is chosen by factors."""
    if not RATES.fullmatch(name):
        return False
    return name.startswith(ONE_MINUS) or not any(word in name for word in CHOSEN_FROM_0_TO_1)


def _one_factor(numbers: Sequence[Number]) -> bool:
    """Whether positive numbers, equal ones counted once, are each the same factor apart.

    Of real numbers three may be by accident, as shares of 0.1, 0.2 and 0.4.
    """
    if len(set(numbers)) <= LEAST_VALUES and not all(isinstance(item, int) for item in numbers):
        return False
    ratios = [later / earlier for earlier, later in itertools.pairwise(sorted(set(numbers)))]
    return min(ratios) >= LEAST_RATIO and max(ratios) <= min(ratios) * (1 + SAME_RATIO)


def _apart(one: Mapping[str, Value], other: Mapping[str, Value], names: Sequence[str]) -> bool:
    """Whether two arms differ in one of these hyperparameters."""
    return any(repr(one.get(name)) != repr(other.get(name)) for name in names)


def _logarithmic(low: Number, high: Number) -> bool:
    return low > 0 and high / low >= LOG_RATIO * (1 - 1e-9)  # 0.7 and 0.07 are a factor of ten


def _chance(beyond: int, outer: Sequence[float], inner: Sequence[float]) -> float:
    """Return how often this many of the farthest values would all be of the one arm by chance."""
    return math.comb(len(outer), beyond) / math.comb(len(outer) + len(inner), beyond)
