"""Tables whose numbers have decimal commas, beside semicolons or tabs."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from tuning_playbook.sources.measurements import is_metric
from tuning_playbook.sources.printed_numbers import THOUSANDS
from tuning_playbook.sources.table import NOTHING, Row, Table

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")


def with_decimal_points(
    table: Table, separator: str, types: Mapping[str, str | None], step: str
) -> Table:
    """Return a table without decimal commas, which columns of numbers alone have.

    A metric is one of numbers whatever its cells are: what is wrong there is said of the cell.

    Args:
        table: The table.
        separator: What separates its columns.
        types: `number`, `text` or `truth` for columns of which it is known.
        step: The column that counts steps, whose commas cannot be decimal.

    Raises:
        SourceError: Numbers have commas and points, or commas that may separate thousands, so that
            it is not known what a comma means.
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
    _check_thousands(table, numeric, step)
    places = [table.columns.index(name) for name in numeric]
    cells = []
    for row in table.rows.cells:
        changed = list(row)
        for place in places:
            cell = changed[place]
            if isinstance(cell, str) and DECIMAL_COMMA.fullmatch(cell):
                changed[place] = cell.replace(",", ".")
        cells.append(tuple(changed))
    note = (
        f"{named} separate the columns of {table.path.name}, so its commas are decimal where a "
        "whole column is of numbers; 'types: {<name>: text}' under 'source' keeps a text."
    )
    return replace(table, rows=replace(table.rows, cells=cells), notes=(*table.notes, note))


def _check_thousands(table: Table, numeric: Collection[str], step: str) -> None:
    """Check that commas do not separate thousands.

    Where all the commas of a column may, those of another column tell that they are decimal; but a
    step has no decimals.

    Raises:
        SourceError: They may.
    """
    doubtful: dict[str, Row] = {}
    certain = set()
    for row in table.rows:
        for name in numeric:
            cell = row.text(name)
            if THOUSANDS.fullmatch(cell):
                doubtful.setdefault(name, row)
            elif DECIMAL_COMMA.fullmatch(cell):
                certain.add(name)
    for name, row in doubtful.items():
        if name not in certain and (name == step or not certain):
            raise row.error(
                name,
                f"the comma of '{row.text(name)}' may be decimal or separate thousands; write "
                "numbers without what separates thousands",
            )


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
