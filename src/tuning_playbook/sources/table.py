"""A table, with errors that name the file, the row and the column."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.printed_numbers import printed_number

WHOLE = re.compile(r"[+-]?\d+")

MOST_DIGITS = 19
"""Digits of `LARGEST`."""

POINTS = re.compile(r"\d{1,3}(?:\.\d{3})+")
"""A whole number with points that separate thousands, or one with three decimals."""

NOTHING = ("none", "null", "na", "n/a", "<na>", "nan", "-nan", "nil", "undefined", "-", "--", "?")
"""What tools and languages write where a number does not exist."""

LARGEST = 2**63 - 1
"""The largest whole number that a dataset can hold."""

OTHER_NAMES = {
    "trial": ("run", "run_id", "run_name", "trial_id", "trial_name", "name", "id", "experiment"),
    "step": ("steps", "global_step", "iteration", "iter", "epoch", "epochs", "training_iteration"),
}
"""What other people call the columns of a table."""

Cell = str | int | float | bool | None
"""What is in a cell: the text of a CSV file, which is empty where there is none, or what a file
with types of its own holds."""


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        path: The file.
        number: The line of the file at which the row ends, as an editor counts.
        cells: What is in each column; text has no spaces around it.
        written: What the file calls each column.
    """

    path: Path
    number: int
    cells: Mapping[str, Cell]
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The file and the row."""
        return f"{self.path}: row {self.number}"

    def error(self, column: str, message: str) -> SourceError:
        """Return an error that names the file, the row and the column."""
        named = self.written.get(column, column)
        return SourceError(f"{self.where}, column '{named}': {message}")

    def text(self, column: str) -> str:
        """Return what is in a column as text; empty where nothing does, or no such column."""
        cell = self.cells.get(column)
        return "" if cell is None else str(cell)

    def real(self, column: str, guessed: dict[str, str] | None = None) -> float | None:
        """Return the number in a column, `nan` and `inf` among them; None where there is none.

        Args:
            column: The column.
            guessed: Gets what was read as something else than Python does, and as what.
        """
        text = self.text(column)
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            pass
        number = printed_number(text, thousands=True)
        if number is None and text.lower() not in NOTHING:
            raise self.error(column, f"'{text}' is no number; leave it empty if there is none")
        if guessed is not None and len(guessed) < MOST_GUESSED:
            guessed[text] = "nothing measured" if number is None else f"{number:.15g}"
        return number

    def whole(self, column: str, lowest: int = 0, guessed: dict[str, str] | None = None) -> int:
        """Return the whole number in a column, which is not below `lowest`."""
        text = self.text(column)
        if len(text) < MOST_DIGITS and text.isascii() and text.isdigit() and lowest == 0:
            return int(text)
        if POINTS.fullmatch(text):
            raise self.error(
                column,
                f"the point of '{text}' may be decimal or separate thousands; write whole numbers "
                "without it",
            )
        try:
            number = self.real(column, guessed) if text.lower() not in NOTHING else None
            if number is not None and lowest <= number <= LARGEST and number == int(number):
                whole = int(text) if WHOLE.fullmatch(text) else int(number)  # a real one is rounded
                if whole <= LARGEST:
                    return whole
        except (SourceError, ValueError, OverflowError):
            pass
        raise self.error(column, f"'{text}' is no whole number from {lowest} to {LARGEST}")


MOST_GUESSED = 3
"""Examples of guesses that are kept."""


@dataclass(frozen=True)
class Rows:
    """The rows of a table, each made when it is asked for: a million of them take much memory.

    Attributes:
        path: The file.
        columns: Their names here.
        lines: The line of the file at which each row ends, [row].
        cells: What is in each column, [row] tuples of [column]; a shorter one lacks the last.
        written: What the file calls each column.
    """

    path: Path
    columns: Sequence[str]
    lines: Sequence[int]
    cells: Sequence[tuple[Cell, ...]]
    written: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, place: int) -> Row:
        cells = dict(zip(self.columns, self.cells[place], strict=False))
        return Row(self.path, self.lines[place], cells, self.written)

    def __iter__(self) -> Iterator[Row]:
        return map(self.__getitem__, range(len(self.cells)))


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        path: The file.
        columns: Their names.
        rows: In the order of the file; empty lines are left out.
        notes: What was guessed of how it is written, in sentences.
        last_line: That of them which says that the last line may be cut off; empty without it.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Rows
    notes: tuple[str, ...] = ()
    last_line: str = ""


def check_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    """Check that each column has a name of its own, and that the required ones are there.

    Raises:
        SourceError: One has none, two share one, or one is missing.
    """
    for place, name in enumerate(columns):
        if not name:
            raise SourceError(f"{path}: column {place + 1} has no name in the first row")
        if name in columns[:place]:
            raise SourceError(f"{path}: two columns are named '{name}'; name each once")
    missing = [name for name in required if name not in columns]
    if missing:
        named = " and no column ".join(f"'{name}'{nearest(name, columns)}" for name in missing)
        renames = ", ".join(f"{_other(name, columns)}: {name}" for name in missing)
        raise SourceError(
            f"{path}: there is no column {named} (columns: {', '.join(columns)}); if another "
            f"column is it, say 'rename: {{{renames}}}' under 'source'"
        )


def _other(name: str, columns: Sequence[str]) -> str:
    """Return a column that people name so, where there is one."""
    alike = (column for column in columns if column.lower() in OTHER_NAMES.get(name, ()))
    return next(alike, "<its name there>")
