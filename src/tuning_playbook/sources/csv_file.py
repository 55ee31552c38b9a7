"""Read a table from a CSV file, with errors that name the file, the row and the column.

Beside semicolons and tabs a comma within a number is decimal where its whole column is of numbers.
A byte order mark and any line ends are taken. A first row that is repeated, as in files that were
joined, is left out, and so are empty cells after the last comma of all lines. A last line without a
line end may be cut off: with too few cells it is, and is not read.
"""

import re
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.csv_records import layout_of, records
from tuning_playbook.sources.decimal_commas import with_decimal_points
from tuning_playbook.sources.table import Cell, Rows, Table, check_columns

UNNAMED = re.compile(r"Unnamed: \d+(?:\.\d+)?")
"""What pandas calls a column without a name that it wrote and read again."""


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns that the first row of a CSV file names.

    Raises:
        SourceError: The file cannot be read, or is no table.
    """
    first = next((cells for _, cells in records(path, layout_of(path))), [])
    columns = _named(first[_numbered(first) :])
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
    name = called or path.name
    layout = layout_of(path)
    lines, cells = array("q"), list[tuple[Cell, ...]]()
    first: list[str] = []
    columns: tuple[str, ...] = ()
    written: dict[str, str] = {}
    numbered = repeated = 0
    cut = False
    keys: list[int] = []
    names: dict[str, str] = {}  # equal names of trials, and steps, are kept in memory once
    for number, record in records(path, layout):
        if not columns:
            first, numbered = record, _numbered(record)
            named = _named(record[numbered:])
            written = {(rename or {}).get(item, item): item for item in named}
            columns = tuple((rename or {}).get(item, item) for item in named)
            check_columns(path, columns, required)
            keys = [place for place, item in enumerate(columns) if item in ("trial", step)]
            continue
        if record == first:
            repeated += 1
            continue
        found = record[numbered:]
        if number == layout.unended and len(found) < len(columns):
            cut = True
            break
        if len(found) == len(first) - numbered and not any(found[len(columns) :]):
            found = found[: len(columns)]
        if len(found) != len(columns):
            more = len(found) > len(columns) and not found[-1]
            raise SourceError(
                f"{path}: row {number} has {len(found)} cells, and the first row names "
                f"{len(columns)} columns"
                + ("; if a last comma separates nothing, end the first row with it too" * more)
            )
        for place in keys:
            found[place] = names.setdefault(found[place], found[place])
        lines.append(number)
        cells.append(tuple(found))
    if not cells:
        raise SourceError(f"{path}: the table has no rows")
    last = ""
    if cut:
        last = f"The last line of {name} has too few cells and no line end, so it is not read."
    elif layout.unended and columns[-1] == step and _has_an_earlier_ones(columns, cells, step):
        lines.pop()
        cells.pop()
        last = (
            f"The last line of {name} has no line end and the step of an earlier line, so it is "
            "cut off within its step, and is not read."
        )
    elif layout.unended and not layout.last.endswith('"'):  # a cell that ends so is whole
        last = (
            f"The last line of {name} has no line end; if the file was cut off, its last number "
            "may be too."
        )
    notes = {
        f"The first column of {name} has no name, as row numbers have none; left unread.": numbered,
        f"The first row of {name} is repeated in {repeated} of its lines, which are not read.": (
            repeated
        ),
        f"Lines of {name} that begin with # are comments, and are not read: "
        f"{len(layout.comments)}.": len(layout.comments),
        last: len(last),
    }
    table = Table(
        path,
        columns,
        Rows(path, columns, lines, cells, written),
        tuple(note for note, count in notes.items() if count),
        last,
    )
    if layout.separator == ",":
        return table
    known = types or {}
    kinds = {here: known.get(here) or known.get(there) for here, there in written.items()}
    return with_decimal_points(table, layout.separator, kinds, step)


def _has_an_earlier_ones(
    columns: Sequence[str], cells: Sequence[tuple[Cell, ...]], step: str
) -> bool:
    """Whether the last row has a step that an earlier one of its trial has."""
    places = [columns.index(name) for name in ("trial", step) if name in columns]
    *earlier, last = ([row[place] for place in places] for row in cells)
    return last in earlier


def _named(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the names in the first row, without empty cells at its end, as after a last comma."""
    names = list(cells)
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _numbered(columns: Sequence[str]) -> int:
    """Return how many of the first columns have row numbers, and so no name."""
    count = int(len(columns) > 1 and not columns[0])
    while count < len(columns) - 1 and UNNAMED.fullmatch(columns[count]):
        count += 1
    return count
