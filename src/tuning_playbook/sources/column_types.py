"""The values of a hyperparameter in all trials of a source, in one type.

A type belongs to a column, not to a cell: "1.10" is a number among numbers and a text among names
of versions. The spec may say which; else the column's own cells tell, and what had to be guessed is
said.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SourceError
from tuning_playbook.sources.printed_numbers import printed_number
from tuning_playbook.sources.table import LARGEST, NOTHING, WHOLE, Cell

Type = Literal["number", "text", "truth"]

TRUTHS = {"true": True, "false": False}

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.I)

NUMBERED = re.compile(r"0\d+")
"""A whole number with zeros before it is a name: nobody writes a quantity so."""

VERSION = re.compile(r"\d+\.\d{1,3}")
"""What may be a version; more digits after the point are those of a number, however printed."""

Complaint = Callable[[int, str], SourceError]
"""Makes an error about a cell: its place in the column, and what is wrong with it."""


@dataclass(frozen=True)
class Typed:
    """A column in one type.

    Attributes:
        values: One for each cell; None where there is none.
        notes: What was guessed, in sentences.
    """

    values: tuple[Value | None, ...]
    notes: tuple[str, ...] = ()


def typed(
    name: str,
    cells: Sequence[Cell],
    wanted: Type | None,
    error: Complaint,
    trials: Sequence[str],
) -> Typed:
    """Return a column's values in one type.

    Without a type of its own a column is of truth values where all are, of numbers where all are,
    and else of texts. 1 and 0 beside truth values are truth values too. `None`, `NaN`, `NA` and the
    like among numbers or truth values are no value. Two short fractions that are one number but for
    zeros at the end, as 1.1 and 1.10, make it one of texts, as of versions: a tool that writes
    numbers writes one number in one way, or in many digits.

    Args:
        name: Of the hyperparameter.
        cells: What the source has for each trial.
        wanted: The type that the spec says or implies; None where it does not.
        error: Makes the error about a cell.
        trials: The name of each cell's trial, for what is said.

    Raises:
        SourceError: A cell is not of the type that the spec wants, or is a number that no
            hyperparameter can be.

    Example:
        >>> typed("depth", ["2", "None", "3"], None, lambda *_: SourceError(), "abc").values
        (2, None, 3)
        >>> typed("data", ["1.1", "1.10"], None, lambda *_: SourceError(), "ab").values
        ('1.1', '1.10')
    """
    given = [place for place, cell in enumerate(cells) if _given(cell)]
    if wanted == "text":
        return Typed(tuple(_text(cell) if _given(cell) else None for cell in cells))
    real = [place for place in given if not _is_nothing(cells[place])]
    dropped = len(given) - len(real)
    truths = {place: truth for place in real if (truth := _truth(cells[place])) is not None}
    bits = [place for place in real if place not in truths and _bit(cells[place]) is not None]
    if bits and wanted != "number" and (truths or wanted == "truth"):
        truths |= {place: truth for place in bits if (truth := _bit(cells[place])) is not None}
    else:
        bits = []
    if len(truths) == len(real) and wanted != "number":
        notes = _dropped(name, dropped, "truth values")
        if bits and wanted is None:
            notes += (
                f"{name} has {_text(cells[bits[0]])} ({trials[bits[0]]}) among truth values; 1 is "
                "read as true and 0 as false.",
            )
        return _with(cells, truths, notes)
    if wanted == "truth":
        wrong = next(place for place in real if place not in truths)
        raise error(wrong, f"'{_text(cells[wrong])}' is neither true nor false")
    printed = _printed(cells, real, thousands=wanted == "number")
    bad = next((n for n in real if n not in printed and not _is_number(cells[n])), None)
    if bad is not None and wanted == "number":
        raise error(
            bad,
            f"'{_text(cells[bad])}' is no number; leave it empty if there is none, or say under "
            f"'source.types' that {name} is text",
        )
    if bad is not None:
        return _texts(name, cells, bad, trials)
    twice = None if wanted == "number" else _written_twice([cells[place] for place in real])
    if twice is not None:
        note = (
            f"{name} is read as text, because {twice[0]} and {twice[1]} would be one number; if it "
            f"is one, say 'types: {{{name}: number}}' under 'source'."
        )
        return Typed(tuple(_text(cell) if _given(cell) else None for cell in cells), (note,))
    plain = [printed.get(place, cell) for place, cell in enumerate(cells)]
    numbers: dict[int, Value] = {place: _number(place, plain[place], error) for place in real}
    notes = _dropped(name, dropped, "numbers")
    if printed:
        first = next(iter(printed))
        notes += (f"{name}: '{cells[first]}' is read as {numbers[first]}, and others likewise.",)
    return _with(cells, numbers, notes)


def numeric(cell: Cell) -> bool:
    """Whether a cell holds a number, or nothing."""
    if not _given(cell) or _is_nothing(cell) or _is_number(cell):
        return True
    return isinstance(cell, str) and printed_number(cell, thousands=True) is not None


def _texts(name: str, cells: Sequence[Cell], bad: int, trials: Sequence[str]) -> Typed:
    """Return a column of texts; it is said where most of it are numbers."""
    values = tuple(_text(cell) if _given(cell) else None for cell in cells)
    alike = sum(_given(cell) and _text(cell).lstrip("+-")[:1].isdigit() for cell in cells)
    if not alike:
        return Typed(values)
    note = (
        f"{name} is read as text, because '{_text(cells[bad])}' of {trials[bad]} is no number, "
        f"though {alike} of its values begin like one."
    )
    return Typed(values, (note,))


def _with(cells: Sequence[Cell], values: Mapping[int, Value], notes: tuple[str, ...]) -> Typed:
    return Typed(tuple(values.get(place) for place in range(len(cells))), notes)


def _dropped(name: str, count: int, among: str) -> tuple[str, ...]:
    if not count:
        return ()
    one = "One value" if count == 1 else f"{count} values"
    return (f"{one} of {name}, None, NaN, NA or the like among {among}, read as no value.",)


def _given(cell: Cell) -> bool:
    return cell is not None and cell != ""


def _text(cell: Cell) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _is_nothing(cell: Cell) -> bool:
    if isinstance(cell, float):
        return math.isnan(cell)
    return isinstance(cell, str) and cell.lower() in NOTHING


def _truth(cell: Cell) -> bool | None:
    return cell if isinstance(cell, bool) else TRUTHS.get(str(cell).lower())


def _bit(cell: Cell) -> bool | None:
    """Return the truth value that 1 and 0 stand for; None for anything else."""
    return {"1": True, "0": False, "1.0": True, "0.0": False}.get(str(cell))


def _printed(cells: Sequence[Cell], places: Sequence[int], *, thousands: bool) -> dict[int, Cell]:
    """Return the numbers in those cells that only the language which printed them reads as such."""
    found: dict[int, Cell] = {}
    for place in places:
        cell = cells[place]
        if isinstance(cell, str) and not _is_number(cell):
            number = printed_number(cell, thousands=thousands)
            if number is not None and math.isfinite(number):
                whole = thousands and "." not in cell and number == int(number)
                found[place] = int(number) if whole else number
    return found


def _is_number(cell: Cell) -> bool:
    """Whether a cell is written as a number; one beyond all numbers, as a hash 123e4567, is not."""
    if isinstance(cell, bool):
        return False
    if isinstance(cell, int | float):
        return True
    if not NUMBER.fullmatch(str(cell)) or NUMBERED.fullmatch(str(cell)):
        return False
    finite = math.isfinite(float(str(cell)))
    return finite or WHOLE.fullmatch(str(cell)) is not None or not any(map(str.isdigit, str(cell)))


def _written_twice(cells: Sequence[Cell]) -> tuple[str, str] | None:
    """Return two fractions that are one number but for zeros at the end; None without such."""
    seen: dict[str, str] = {}
    for cell in cells:
        if isinstance(cell, str) and VERSION.fullmatch(cell) and float(cell) % 1:
            first = seen.setdefault(cell.rstrip("0"), cell)
            if first != cell:
                return first, cell
    return None


def _number(place: int, cell: Cell, error: Complaint) -> int | float:
    """Return the number in a cell: whole if it is written so."""
    number = float(cell or 0.0)
    if not (WHOLE.fullmatch(cell) if isinstance(cell, str) else isinstance(cell, int)):
        if not math.isfinite(number):
            raise error(
                place,
                f"a hyperparameter cannot be {cell}; leave it empty where there is none, or say "
                "under 'source.types' that the column is text",
            )
        return number
    if abs(number) > LARGEST or abs(int(cell or 0)) > LARGEST:
        raise error(place, f"{cell} is too large a whole number; write 1e30 for such")
    return int(cell or 0)
