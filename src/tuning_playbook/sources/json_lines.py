"""Read a table from JSON lines: one object a line, each with the columns that it has."""

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.foreign_files import MOST_ROWS, lines_of, open_text, parse_json
from tuning_playbook.sources.runs import flattened
from tuning_playbook.sources.table import Cell, Rows, Table, check_columns


def read_json_lines(
    path: Path, required: Sequence[str], rename: Mapping[str, str] | None = None
) -> Table:
    """Return the table in a file of JSON lines; nested names become one with slashes between.

    A last line without a line end that begins an object and does not end it was cut off, as where
    its writer was killed; it is not read, and that is said.

    Args:
        path: The file.
        required: Columns that some line must have, by their names here.
        rename: Other names for columns of the file.

    Raises:
        SourceError: The file cannot be read, a line is no object, or no line has a required column.
    """
    lines, rows = array("q"), list[tuple[Cell, ...]]()
    written: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    with open_text(path) as file:
        for number, line in enumerate(lines_of(file, path), 1):
            if not line.strip():
                continue
            where = f"{path}: row {number}"
            try:
                content = parse_json(line, where)
            except SourceError as error:
                begun = line.startswith("{") and "Extra data" not in str(error)
                if not begun or line.endswith(("\n", "\r")) or not rows:
                    raise
                notes = (
                    f"The last line of {path.name} has no line end and is no whole object, so "
                    "it is cut off, and is not read.",
                )
                break
            if not isinstance(content, dict):
                raise SourceError(f"{where}: it must hold names with values, in braces")
            if len(rows) >= MOST_ROWS:
                raise SourceError(f"{path}: it has more than {MOST_ROWS:,} rows")
            flat = flattened(content)
            names = {old: (rename or {}).get(old, old) for old in flat}
            for old, new in names.items():
                if written.setdefault(new, old) != old:
                    raise SourceError(f"{where}: '{old}' and '{written[new]}' are both '{new}'")
            cells = {
                names[old]: cell.strip() if isinstance(cell, str) else cell
                for old, cell in flat.items()
            }
            lines.append(number)
            rows.append(tuple(cells.get(name) for name in written))
    if not rows:
        raise SourceError(f"{path}: the table has no rows")
    check_columns(path, [*written], required)
    columns = tuple(written)
    return Table(path, columns, Rows(path, columns, lines, rows, written), notes)


def names_in_lines(path: Path) -> tuple[str, ...]:
    """Return the names that any line of a file of JSON lines has.

    Raises:
        SourceError: The file cannot be read, or a line is no object.
    """
    return read_json_lines(path, ()).columns
