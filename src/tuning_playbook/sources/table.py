"""Read a table from a CSV file, with errors that name the file, the row and the column.

Commas, semicolons or tabs may separate the columns; the first row tells which. Beside semicolons
and tabs a comma within a number is decimal where its whole column is of numbers. A byte order mark
and any line ends are taken. A last line without a line end may be cut off: with too few cells it
is, and is not read.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.foreign_files import open_text
from tuning_playbook.sources.measurements import is_metric

WHOLE = re.compile(r"[+-]?\d+")

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")

NOTHING = ("none", "null", "na", "n/a")
"""What tools write where a number does not exist."""

LARGEST = 2**63 - 1
"""The largest whole number that a dataset can hold."""

Cell = str | int | float | bool | None
"""What stands in a cell: the text of a CSV file, which is empty where there is none, or what a file
with types of its own holds."""


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        path: The file.
        number: The line of the file at which the row ends, as an editor counts.
        cells: What stands in each column; text has no spaces around it.
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
        """Return what stands in a column as text; empty where nothing does, or no such column."""
        cell = self.cells.get(column)
        return "" if cell is None else str(cell)

    def real(self, column: str) -> float | None:
        """Return the number in a column, `nan` and `inf` among them; None where it is empty."""
        text = self.text(column)
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            raise self.error(
                column, f"'{text}' is no number; leave it empty if there is none"
            ) from (None)

    def whole(self, column: str, lowest: int = 0) -> int:
        """Return the whole number in a column, which is not below `lowest`."""
        text = self.text(column)
        try:
            number = float(text)
            if lowest <= number <= LARGEST and number == int(number):
                whole = int(text) if WHOLE.fullmatch(text) else int(number)  # a real one is rounded
                if whole <= LARGEST:
                    return whole
        except (ValueError, OverflowError):
            pass
        raise self.error(column, f"'{text}' is no whole number from {lowest} to {LARGEST}")


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
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    last_line: str = ""


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns that the first row of a CSV file names.

    Raises:
        SourceError: The file cannot be read, or is no table.
    """
    columns = next((tuple(cells) for _, cells in _records(path, _separator(path))), ())
    columns = columns[_numbered(columns) :]
    check_columns(path, columns, ())
    return columns


def read_table(
    path: Path,
    required: Sequence[str],
    rename: Mapping[str, str] | None = None,
    called: str = "",
    types: Mapping[str, str] | None = None,
    step: str = "step",
) -> Table:
    """Return the table in a CSV file whose first row names its columns.

    Args:
        path: The file.
        required: Columns that it must have, by their names here.
        rename: Other names for columns of the file.
        called: What notes call the file; its name where that is left out.
        types: `number`, `text` or `truth` for columns of which it is known, by their names here or
            in the file.
        step: The column that counts steps, if there is one. A last line without a line end that
            ends with a step which its trial has already is cut off there: 20 has become 2.

    Raises:
        SourceError: The file cannot be read, is no table, or lacks a required column.
    """
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    written: dict[str, str] = {}
    separator = _separator(path)
    numbered = 0
    unended, text = _unended(path)
    cut = False
    for number, record in _records(path, separator, unended):
        numbered = numbered if columns else _numbered(record)
        cells = record[numbered:]
        if not columns:
            written = {(rename or {}).get(name, name): name for name in cells}
            columns = tuple((rename or {}).get(name, name) for name in cells)
            check_columns(path, columns, required)
            continue
        if number == unended and len(cells) < len(columns):
            cut = True
            break
        if len(cells) != len(columns):
            raise SourceError(
                f"{path}: row {number} has {len(cells)} cells, and the first row names "
                f"{len(columns)} columns"
            )
        rows.append(Row(path, number, dict(zip(columns, cells, strict=True)), written))
    if not rows:
        raise SourceError(f"{path}: the table has no rows")
    name = called or path.name
    last = ""
    if cut:
        last = f"The last line of {name} has too few cells and no line end, so it is not read."
    elif unended and columns[-1] == step and _has_an_earlier_ones(rows, step):
        rows.pop()
        last = (
            f"The last line of {name} has no line end and the step of an earlier line, so it is "
            "cut off within its step, and is not read."
        )
    elif unended and not text.endswith('"'):  # a cell that ends with its quotation mark is whole
        last = (
            f"The last line of {name} has no line end; if the file was cut off, its last number "
            "may be too."
        )
    note = f"The first column of {name} has no name, as row numbers have none; left unread."
    notes = [*([note] if numbered else []), *([last] if last else [])]
    table = Table(path, columns, tuple(rows), tuple(notes), last)
    if separator == ",":
        return table
    known = types or {}
    kinds = {here: known.get(here) or known.get(there) for here, there in written.items()}
    return _with_decimal_points(table, separator, kinds)


def _has_an_earlier_ones(rows: Sequence[Row], step: str) -> bool:
    """Whether the last row has a step that an earlier one of its trial has."""
    *earlier, last = ((row.text("trial"), row.text(step)) for row in rows)
    return last in earlier


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
    for name in required:
        if name not in columns:
            raise SourceError(
                f"{path}: there is no column '{name}'{nearest(name, columns)} "
                f"(columns: {', '.join(columns)})"
            )


def _numbered(columns: Sequence[str]) -> int:
    """Return 1 where the first of several columns has no name, as that of row numbers; else 0."""
    return int(len(columns) > 1 and not columns[0])


def _separator(path: Path) -> str:
    """Return what separates the columns, by the first row that is not empty."""
    with open_text(path) as file:
        first = next((line for line in file if line.strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return max(",;\t", key=unquoted.count)


def _unended(path: Path) -> tuple[int, str]:
    """Return the number and the text of a file's last line where it has no line end; else 0."""
    number, line = 0, ""
    with open_text(path) as file:
        for place, text in enumerate(file, 1):
            number, line = place, text
    return (0, "") if line.endswith(("\n", "\r")) or not line.strip() else (number, line.strip())


def _records(path: Path, separator: str, unended: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line of a CSV file that is not empty, and its cells.

    Args:
        path: The file.
        separator: What separates the columns.
        unended: The number of a last line without a line end, which has no cells where it is cut
            off within quotation marks.
    """
    with open_text(path) as file:
        reader = csv.reader(file, strict=True, delimiter=separator)
        before = 0
        try:
            for record in reader:
                before = reader.line_num
                cells = [cell.strip() for cell in record]
                if any(cells):
                    yield before, cells
        except csv.Error as error:
            if before + 1 == reader.line_num == unended and "unexpected end" in str(error):
                yield unended, []
                return
            raise SourceError(
                f"{path}: row {reader.line_num} cannot be read as a table: {error}"
            ) from None


def _with_decimal_points(table: Table, separator: str, types: Mapping[str, str | None]) -> Table:
    """Return a table without decimal commas, which columns of numbers alone have.

    A metric is one of numbers whatever its cells are: what is wrong there is said of the cell.

    Raises:
        SourceError: Numbers have commas and points, so that it is not known what a comma means.
    """
    named = "Semicolons" if separator == ";" else "Tabs"
    numeric = [
        name
        for name in table.columns
        if (types.get(name) or "number") == "number"
        and (types.get(name) or is_metric(name) or all(map(_is_numeric, _cells(table, name))))
    ]
    commas = _first(table, numeric, DECIMAL_COMMA)
    if commas is None:
        return table
    points = _first(table, numeric, DECIMAL_POINT)
    if points is not None:
        (one, column), (other, another) = commas, points
        raise one.error(
            column,
            f"'{one.text(column)}' has a comma, and '{other.text(another)}' in row {other.number} "
            "a point; write all numbers in one way",
        )
    rows = tuple(
        Row(
            row.path,
            row.number,
            {
                name: cell.replace(",", ".")
                if name in numeric and isinstance(cell, str) and DECIMAL_COMMA.fullmatch(cell)
                else cell
                for name, cell in row.cells.items()
            },
            row.written,
        )
        for row in table.rows
    )
    note = (
        f"{named} separate the columns of {table.path.name}, so its commas are decimal where a "
        "whole column is of numbers; 'types: {<name>: text}' under 'source' keeps a text."
    )
    return replace(table, rows=rows, notes=(*table.notes, note))


def _cells(table: Table, column: str) -> Iterator[str]:
    return (row.text(column) for row in table.rows)


def _is_numeric(cell: str) -> bool:
    """Whether a cell is a number, with a decimal comma or not, or none."""
    if not cell or cell.lower() in NOTHING or DECIMAL_COMMA.fullmatch(cell):
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _first(
    table: Table, columns: Collection[str], pattern: re.Pattern[str]
) -> tuple[Row, str] | None:
    """Return the first cell of some columns that has a form, as its row and its column."""
    for row in table.rows:
        for column in columns:
            cell = row.cells[column]
            if isinstance(cell, str) and pattern.fullmatch(cell):
                return row, column
    return None
