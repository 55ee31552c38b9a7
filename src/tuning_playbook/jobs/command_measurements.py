"""Read what a command measures, while it writes it: JSON lines or CSV.

    {"step": 100, "val/error": 0.25}          step,val/error
    {"step": 200, "val": {"error": 0.2}}      100,0.25

Each start of the command may append to the file, continue where it was killed, or write a new file.
Where it continued, the earlier measurements count for the steps before those it repeats, and the
latest measurements count for the repeated steps.
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
"""Longest line in bytes; a longer one is not a row of measurements."""

MOST_AT_ONCE = 2**24
"""Bytes that one read of a file takes at most; the rest of a fast-growing file is read later."""

MOST_BEFORE_HEADER = 10
"""The header of a CSV file must be among this many lines."""

MOST_NAMED = 8
"""Most columns of the file that a message names."""

Row = tuple[int, Mapping[str, float]]
"""A step, and what was measured after it by our column names; NaN where the file has NaN."""


@dataclass
class Rows:
    """Converts the lines of a measurement file to rows, one after the other.

    Attributes:
        step: The column of the step.
        columns: The measured columns, by our names for them.
        header: The columns of a CSV file, once its first line is read.
        unreadable: How many lines are not rows.
        example: The first such line.
        seen: Some of the column names in the rows.
    """

    step: str
    columns: Mapping[str, str]
    header: list[str] = field(default_factory=list)
    unreadable: int = 0
    example: str = ""
    seen: dict[str, None] = field(default_factory=dict)
    _looked_at: set[tuple[str, ...]] = field(default_factory=set)

    def row(self, line: bytes) -> Row | None:
        """Return the row in a line; None for a line without a row or without a requested column."""
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
        """Return a line's cells by column; None for a header or for a line that is not a row."""
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
        if self.step in cells:  # a restarted script writes its header again
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
        values: The value at each step, by our column names; NaN where the file has NaN.
        first: The first measured step; None if there is none.
        again: The first step that the last start of the command measured, and the last step that
            was measured before it; None if either measured nothing.
        unreadable: How many lines are not rows of measurements.
        example: The first such line.
        seen: Some of the columns in the file.
        error: Why the file cannot be read; empty if it can, or if there is no file.
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
    """Return what a command has measured; empty if it wrote no file.

    Args:
        path: The file.
        command: The command.
        starts: The size of the file at each start of the command.
        whole: Whether the command ended by itself, so that a last line without a newline is
            complete.
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
    """Return why a file cannot be read; empty if it can, or if there is no file."""
    if not path.exists():
        return ""
    if not path.is_file():  # reading a pipe without a writer would block
        return "it is no plain file"
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _marks(starts: Sequence[int]) -> list[int]:
    """Return where each start's rows begin; a file that was written anew lost earlier starts."""
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
    """Return whether a line without a newline is a complete JSON object; CSV may be cut."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def complete_last_line(path: Path) -> int:
    """Make a file end with a complete line, so that the next row is one; return its size.

    A killed script may have left half a line.
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
    """Returns the rows that were added to a measurement file since the last call.

    Attributes:
        path: The file.
        rows: Converts its lines to rows.
        place: How many bytes of it are read.
        half: The beginning of a line that is not complete yet.
        shrunk: Whether the file became shorter than what was read, so it was written anew.
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
        except OSError:  # it does not exist yet, or the script removed it
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
    """Return a tail that starts at a place in the file, with the header of a CSV file."""
    rows = Rows(command.step, command.columns)
    if place:
        with path.open("rb") as file:
            for line in itertools.islice(file, MOST_BEFORE_HEADER):
                rows.row(line[:LONGEST_LINE])
                if rows.header:
                    break
    return Tail(path, rows, place)


def _inner(cells: Mapping[str, Any], column: str) -> Any:
    """Return the value in a nested column; None if there is none."""
    if "/" not in column:
        return None
    place: Any = cells
    for part in column.split("/"):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def _whole(given: object) -> int | None:
    """Return a value as a step; None if it is not one."""
    if type(given) is int:  # the usual case; true and false are of another type
        return given if given >= 0 else None
    value = _real(given)
    if value is None or not math.isfinite(value) or value < 0 or value != int(value):
        return None
    return int(value)


def _real(given: object) -> float | None:
    """Return a value as a number, also if it is written as text; None if it is not one."""
    if type(given) is float:
        return given
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        return float(given)
    except (ValueError, OverflowError):
        return None
