"""Read a table from a CSV file, with errors that name the file, the row and the column."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SourceError, nearest

WHOLE = re.compile(r"[+-]?\d+")

LARGEST = 2**63 - 1
"""The largest whole number that a dataset can hold."""


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        path: The file.
        number: The line of the file at which the row ends, as an editor counts.
        cells: The text in each column, without spaces around it.
        written: What the file calls each column.
    """

    path: Path
    number: int
    cells: Mapping[str, str]
    written: Mapping[str, str] = field(default_factory=dict)

    def error(self, column: str, message: str) -> SourceError:
        """Return an error that names the file, the row and the column."""
        named = self.written.get(column, column)
        return SourceError(f"{self.path}: row {self.number}, column '{named}': {message}")

    def real(self, column: str) -> float | None:
        """Return the number in a column, `nan` and `inf` among them; None where it is empty."""
        text = self.cells[column]
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            raise self.error(
                column, f"'{text}' is no number; leave it empty if there is none"
            ) from (None)

    def whole(self, column: str) -> int:
        """Return the whole number in a column, which is not negative."""
        text = self.cells[column]
        try:
            number = float(text)
            if 0 <= number <= LARGEST and number == int(number):
                whole = int(text) if WHOLE.fullmatch(text) else int(number)  # a real one is rounded
                if whole <= LARGEST:
                    return whole
        except ValueError:
            pass
        raise self.error(column, f"'{text}' is no whole number from 0 to {LARGEST}")

    def value(self, column: str) -> Value | None:
        """Return a hyperparameter's value, in the type it is written as; None where it is empty."""
        text = self.cells[column]
        if not text:
            return None
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            number = float(text)
        except ValueError:
            return text
        if WHOLE.fullmatch(text):
            if abs(number) > LARGEST or abs(int(text)) > LARGEST:
                raise self.error(column, f"{text} is too large a whole number; write 1e30 for such")
            return int(text)
        if number - number != 0:  # infinite, or not a number
            raise self.error(column, f"a hyperparameter cannot be {text}")
        return number


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        path: The file.
        columns: Their names.
        rows: In the order of the file; empty lines are left out.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns that the first row of a CSV file names.

    Raises:
        SourceError: The file cannot be read, or is no table.
    """
    columns = next((tuple(cells) for _, cells in _records(path)), ())
    _check_columns(path, columns, ())
    return columns


def read_table(
    path: Path, required: Sequence[str], rename: Mapping[str, str] | None = None
) -> Table:
    """Return the table in a CSV file whose first row names its columns.

    Args:
        path: The file.
        required: Columns that it must have, by their names here.
        rename: Other names for columns of the file.

    Raises:
        SourceError: The file cannot be read, is no table, or lacks a required column.
    """
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    written: dict[str, str] = {}
    for number, cells in _records(path):
        if not columns:
            written = {(rename or {}).get(name, name): name for name in cells}
            columns = tuple((rename or {}).get(name, name) for name in cells)
            _check_columns(path, columns, required)
            continue
        if len(cells) != len(columns):
            raise SourceError(
                f"{path}: row {number} has {len(cells)} cells, and the first row names "
                f"{len(columns)} columns"
            )
        rows.append(Row(path, number, dict(zip(columns, cells, strict=True)), written))
    if not rows:
        raise SourceError(f"{path}: the table has no rows")
    return Table(path, columns, tuple(rows))


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line of a CSV file that is not empty, and its cells."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for record in reader:
                cells = [cell.strip() for cell in record]
                if any(cells):
                    yield reader.line_num, cells
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: it cannot be read as a table: {error}") from None


def _check_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    for place, name in enumerate(columns):
        if not name:
            raise SourceError(f"{path}: column {place + 1} has no name in the first row")
        if name in columns[:place]:
            raise SourceError(f"{path}: two columns are named '{name}'; name each once")
    for name in required:
        if name not in columns:
            raise SourceError(
                f"{path}: there is no column '{name}'{nearest(name, columns)} "
                f"(columns: {', '.join(columns)})"
            )
