"""The seeds of imported trials, of which not every source tells."""

import itertools
from collections.abc import Sequence


def told_apart(seeds: Sequence[int | None]) -> list[int]:
    """Return the seed of each trial; where it is not known a number that is no other trial's.

    Reruns are compared seed by seed where two configurations have equal seeds, so no seed may be
    made equal to another one.

    Example:
        >>> told_apart([7, None, 0, None])
        [7, 1, 0, 2]
    """
    taken = set(seeds)
    free = (number for number in itertools.count() if number not in taken)
    return [next(free) if seed is None else seed for seed in seeds]
