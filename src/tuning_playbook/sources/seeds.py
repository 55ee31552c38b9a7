"""The seeds of imported trials, which not every source names."""

import itertools
from collections.abc import Callable, Sequence

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.table import LARGEST, NOTHING, WHOLE, Cell


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


def seed_in(cell: Cell, error: Callable[[str], SourceError]) -> int | None:
    """Return the seed in a cell, which may be negative; None where the source does not tell it.

    Args:
        cell: What the source has.
        error: Makes the error about the cell.

    Raises:
        SourceError: It is no whole number that a dataset can hold.
    """
    if cell is None or cell == "" or str(cell).lower() in NOTHING:
        return None
    seed = whole_number(cell)
    if seed is None:
        raise error(
            f"'{cell}' is no whole number from {-LARGEST} to {LARGEST}, as a seed is; number the "
            "seeds, or give what is no seed another name under 'source.rename'"
        )
    return seed


def whole_number(cell: Cell) -> int | None:
    """Return the whole number in a cell; None where it has none that a dataset can hold.

    Example:
        >>> whole_number("7"), whole_number("7.0"), whole_number("s7"), whole_number(True)
        (7, 7, None, None)
    """
    if cell is None or isinstance(cell, bool):
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    if not (-LARGEST <= number <= LARGEST and number == int(number)):
        return None
    whole = int(cell) if isinstance(cell, int) or WHOLE.fullmatch(str(cell)) else int(number)
    return whole if abs(whole) <= LARGEST else None
