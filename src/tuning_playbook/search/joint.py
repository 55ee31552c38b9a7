"""A joint design: the trials of one search, dealt out to the arms.

Every value of a scientific hyperparameter gets the same number of trials, and so does every
combination of values, for any number of trials: they are dealt in turn. With a quasi-random search,
each arm's trials are then spread over the nuisance hyperparameters as evenly as in a separate
search.

Source: the playbook, "Creating a set of studies": whatever the search algorithm, it must search
the scientific hyperparameters uniformly.
"""

import functools
import math
from collections.abc import Mapping, Sequence

from tuning_playbook.declarations import Value
from tuning_playbook.search.halton import permute
from tuning_playbook.study.conditions import Part, next_values


def deal(index: int, parts: Sequence[Part], seed: int) -> dict[str, Value]:
    """Return the values of the scientific hyperparameters in a trial of a joint design.

    Args:
        index: The trial's position.
        parts: The parts of the spec.
        seed: Chooses the order of the values.
    """
    setting: dict[str, Value] = {}
    while new := next_values(parts, setting):
        sizes = [len(values) for values in new.values()]
        turns = turn(index, sizes)
        for (name, values), place in zip(new.items(), turns, strict=True):
            setting[name] = values[_order(len(values), f"{seed}/{name}")[place]]
        # Each combination has one trial per period, so this is the number of its earlier trials.
        index //= math.prod(sizes)
    return setting


def turn(index: int, sizes: Sequence[int]) -> list[int]:
    """Return which of its values each hyperparameter has in turn `index`.

    In the turns 0 to `k - 1`, `k` to `2 k - 1` and so on, each value of a hyperparameter with `k`
    values occurs once. In as many turns as there are combinations, each combination occurs once.

    Args:
        index: The turn.
        sizes: How many values each hyperparameter has.

    Example:
        >>> [turn(index, [2, 2]) for index in range(4)]
        [[0, 0], [1, 1], [0, 1], [1, 0]]
    """
    places = []
    combinations = 1
    for size in sizes:
        # Counting in step reaches only some of the combinations; a shift leads to the others.
        shifts = math.gcd(combinations, size)
        block = combinations * size // shifts
        places.append((index + index // block % shifts) % size)
        combinations *= size
    return places


def period(parts: Sequence[Part], setting: Mapping[str, Value]) -> int:
    """Return how many trials a joint design deals until an arm certainly has its first.

    In every further period of this length the arm gets one more.
    """
    trials = 1
    reached: dict[str, Value] = {}
    while new := next_values(parts, reached):
        trials *= math.prod(len(values) for values in new.values())
        reached |= {name: setting[name] for name in new}
    return trials


@functools.lru_cache(maxsize=256)
def _order(size: int, stream: str) -> list[int]:
    return permute(size, f"joint/{stream}")
