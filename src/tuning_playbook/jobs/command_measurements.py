"""Read what a command measures, while it writes it: JSON lines or CSV.

    {"step": 100, "val/error": 0.25}          step,val/error
    {"step": 200, "val": {"error": 0.2}}      100,0.25

Each start of the command may append to the file, go on where it was killed, or write the file anew.
Where it went on, what it measured before the steps that it repeats holds, and what it repeated
holds as it was measured last.
"""

import csv
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tuning_playbook.study.command_file import Command

LONGEST_LINE = 2**20
"""Bytes of a line; a longer one is no row of measurements."""

MOST_AT_ONCE = 2**24
"""Bytes that a look at a file reads; one that grows faster is told of later."""

MOST_BEFORE_HEADER = 10
"""Lines among which the header of a CSV file stands."""

MOST_NAMED = 8
"""So many columns of the file are named in a message."""

Row = tuple[int, Mapping[str, float]]
"""A step, and what was measured after it by our names for the columns; NaN where it says so."""


@dataclass
class Rows:
    """Makes rows of the lines of a file of measurements, one after the other.

    Attributes:
        step: The column of the step.
        columns: The columns of what is measured, by our names for them.
        header: The columns of a CSV file, once its first line is read.
        unreadable: How many lines are no row.
        example: The first of these.
        seen: Some names of columns that the rows have.
    """

    step: str
    columns: Mapping[str, str]
    header: list[str] = field(default_factory=list)
    unreadable: int = 0
    example: str = ""
    seen: dict[str, None] = field(default_factory=dict)
    _looked_at: set[tuple[str, ...]] = field(default_factory=set)

    def row(self, line: bytes) -> Row | None:
        """Return the row in a line; None where it holds none, or nothing that is asked for."""
        text = line.decode(errors="replace").lstrip("\ufeff").strip()
        if not text:
            return None
        cells = self._cells(text)
        if cells is None:
            return None
        step = _whole(cells[self.step] if self.step in cells else _inner(cells, self.step))
        if step is None:
            self._complain(text)
            return None
        values: dict[str, float] = {}
        whole = True
        for name, column in self.columns.items():
            cell = cells[column] if column in cells else _inner(cells, column)
            if cell is None or cell == "":
                continue
            value = _real(cell)
            if value is None:
                whole = False
            else:
                values[name] = value
        if not whole:
            self._complain(text)
        return step, values

    def _cells(self, text: str) -> Mapping[str, Any] | None:
        """Return what a line holds by column; None of a header, and of what is no row."""
        if text.startswith("{") or (not self.header and text.startswith("[")):
            try:
                content = json.loads(text)
            except (ValueError, RecursionError):
                content = None
            if not isinstance(content, dict):
                self._complain(text)
                return None
            self._see(content)
            return content
        try:
            cells = [cell.strip() for cell in next(csv.reader([text]), [])]
        except csv.Error:  # a cell that is longer than any number
            cells = []
        if self.step in cells:  # a script that starts again writes its header again
            self.header = cells
            self._see(dict.fromkeys(cells))
            return None
        if len(cells) != len(self.header):
            self._complain(text)
            return None
        return dict(zip(self.header, cells, strict=True))

    def _see(self, cells: Mapping[str, Any]) -> None:
        names = tuple(cells)
        if len(self.seen) < MOST_NAMED and names not in self._looked_at:
            self._looked_at.add(names)
            for name, value in cells.items():
                inner = value if isinstance(value, dict) else {}
                self.seen |= dict.fromkeys([f"{name}/{key}" for key in inner] or [name])

    def _complain(self, text: str) -> None:
        self.unreadable += 1
        self.example = self.example or text[:100]


@dataclass(frozen=True)
class Measured:
    """What a command has measured.

    Attributes:
        values: By our names for the columns, the value at each step; NaN where it says so.
        first: The first step that was measured at all; None where there is none.
        again: The first step that the last start of the command measured, and the last one that was
            measured before it; None where either measured nothing.
        unreadable: How many lines are no row of measurements.
        example: The first of these.
        seen: Some of the columns that the file has.
        error: Why the file cannot be read; empty where it can, or is not there.
    """

    values: Mapping[str, Mapping[int, float]]
    first: int | None
    again: tuple[int, int] | None
    unreadable: int
    example: str
    seen: tuple[str, ...]
    error: str = ""


def read_measurements(
    path: Path, command: Command, starts: Sequence[int], *, whole: bool
) -> Measured:
    """Return what a command has measured; nothing where it wrote no file.

    Args:
        path: The file.
        command: The command.
        starts: The size that the file had at each start of the command.
        whole: Whether the command ended by itself, so that a last line without an end is whole.
    """
    rows = Rows(command.step, command.columns)
    values: dict[str, dict[int, float]] = {name: {} for name in command.columns}
    if error := _why_unreadable(path):
        return Measured(values, None, None, 0, "", (), error)
    marks = _marks(starts)
    first: int | None = None
    last: int | None = None
    again: tuple[int, int] | None = None
    passed = 0
    for place, line in _lines(path, whole=whole) if path.exists() else ():
        found = rows.row(line)
        if found is None:
            continue
        step, measured = found
        begins = passed
        while passed < len(marks) and place >= marks[passed]:
            passed += 1
        if passed > begins and last is not None:
            again = (step, last)
            for column in values.values():
                for later in [known for known in column if known >= step]:
                    del column[later]
            last = step
        first = step if first is None else min(first, step)
        last = step if last is None else max(last, step)
        for name, value in measured.items():
            values[name][step] = value
    if passed < len(marks):  # the last start has measured nothing yet
        again = None
    return Measured(values, first, again, rows.unreadable, rows.example, tuple(rows.seen))


def _why_unreadable(path: Path) -> str:
    """Say why a file cannot be read; nothing where it can, or is not there."""
    if not path.exists():
        return ""
    if not path.is_file():  # a pipe that nobody writes to would be waited for
        return "it is no plain file"
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _marks(starts: Sequence[int]) -> list[int]:
    """Return where the rows of each start begin; a file that was written anew has lost earlier."""
    marks: list[int] = []
    for start in starts:
        marks = [mark for mark in marks if mark < start]
        if start:
            marks.append(start)
    return marks


def _lines(path: Path, *, whole: bool) -> Iterator[tuple[int, bytes]]:
    """Yield the place and the content of every line that is not too long."""
    with path.open("rb") as file:
        place = 0
        while line := file.readline(LONGEST_LINE):
            begin, place = place, place + len(line)
            if line.endswith(b"\n"):
                yield begin, line
            elif len(line) == LONGEST_LINE:
                place += _skip(file)
            elif whole or _is_object(line):
                yield begin, line


def _skip(file: IO[bytes]) -> int:
    """Go to the end of a line; return how far that was."""
    skipped = 0
    while line := file.readline(LONGEST_LINE):
        skipped += len(line)
        if line.endswith(b"\n"):
            break
    return skipped


def _is_object(line: bytes) -> bool:
    """Whether a line without an end is a whole object of JSON; of CSV a number may be cut."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def mend_end(path: Path) -> int:
    """Make a file end with a whole line, so that a next row is one; return its size.

    A script that was killed may have left half a line.
    """
    if not path.exists() or _why_unreadable(path):
        return 0
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LONGEST_LINE))
        begin, end = file.tell(), file.read()
        if not end or end.endswith(b"\n"):
            return size
        last = end[end.rfind(b"\n") + 1 :]
        if _is_object(last):
            file.write(b"\n")
            return size + 1
        if begin and b"\n" not in end:  # one line without an end, longer than any row
            file.write(b"\n")
            return size + 1
        file.truncate(size - len(last))
        return size - len(last)


@dataclass
class Tail:
    """Gives the rows that were added to a file of measurements since it was last asked.

    Attributes:
        path: The file.
        rows: Makes rows of its lines.
        place: How much of it is read.
        half: The beginning of a line whose end is not written yet.
        shrunk: Whether the file was found shorter than what had been read: it was written anew.
    """

    path: Path
    rows: Rows
    place: int = 0
    half: bytes = b""
    shrunk: bool = False

    def new_rows(self) -> list[Row]:
        """Return the new rows."""
        try:
            size = self.path.stat().st_size
        except OSError:  # it is not there yet, or the script took it away
            return []
        if size < self.place:
            self.place, self.half, self.shrunk = 0, b"", True
        if size == self.place or not self.path.is_file():
            return []
        with self.path.open("rb") as file:
            file.seek(self.place)
            read = file.read(min(size - self.place, MOST_AT_ONCE))
        self.place += len(read)
        content = self.half + read
        *lines, half = content.split(b"\n")
        self.half = half[: LONGEST_LINE + 1]
        return [row for line in lines if len(line) < LONGEST_LINE and (row := self.rows.row(line))]


def tail_of(path: Path, command: Command, place: int) -> Tail:
    """Return what gives the rows behind a place, with the header that a CSV file begins with."""
    rows = Rows(command.step, command.columns)
    if place:
        with path.open("rb") as file:
            for line in itertools.islice(file, MOST_BEFORE_HEADER):
                rows.row(line[:LONGEST_LINE])
                if rows.header:
                    break
    return Tail(path, rows, place)


def _inner(cells: Mapping[str, Any], column: str) -> Any:
    """Return what stands in a nested column; None where nothing does."""
    if "/" not in column:
        return None
    place: Any = cells
    for part in column.split("/"):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def _whole(given: object) -> int | None:
    """Return a step; None of what is none."""
    if type(given) is int:  # the usual case; true and false are of another type
        return given if given >= 0 else None
    value = _real(given)
    if value is None or not math.isfinite(value) or value < 0 or value != int(value):
        return None
    return int(value)


def _real(given: object) -> float | None:
    """Return a number, which may be written as a text; None of what is none."""
    if type(given) is float:
        return given
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        return float(given)
    except (ValueError, OverflowError):
        return None
