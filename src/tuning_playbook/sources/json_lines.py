"""Read a table from JSON lines: one object a line, each with the columns that it has."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.foreign_files import open_text, parse_json
from tuning_playbook.sources.runs import flattened
from tuning_playbook.sources.table import Row, Table, check_columns


def read_json_lines(
    path: Path, required: Sequence[str], rename: Mapping[str, str] | None = None
) -> Table:
    """Return the table in a file of JSON lines; nested names become one with slashes between.

    Args:
        path: The file.
        required: Columns that some line must have, by their names here.
        rename: Other names for columns of the file.

    Raises:
        SourceError: The file cannot be read, a line is no object, or lacks a required column.
    """
    rows: list[Row] = []
    written: dict[str, str] = {}
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}: row {number}"
            content = parse_json(line, where)
            if not isinstance(content, dict):
                raise SourceError(f"{where}: it must hold names with values, in braces")
            flat = flattened(content)
            names = {old: (rename or {}).get(old, old) for old in flat}
            for old, new in names.items():
                if written.setdefault(new, old) != old:
                    raise SourceError(f"{where}: '{old}' and '{written[new]}' are both '{new}'")
            cells = {
                names[old]: cell.strip() if isinstance(cell, str) else cell
                for old, cell in flat.items()
            }
            rows.append(Row(path, number, cells, written))
    if not rows:
        raise SourceError(f"{path}: the table has no rows")
    check_columns(path, [*written], required)
    return Table(path, tuple(written), tuple(rows))


def names_in_lines(path: Path) -> tuple[str, ...]:
    """Return the names that any line of a file of JSON lines has.

    Raises:
        SourceError: The file cannot be read, or a line is no object.
    """
    return read_json_lines(path, ()).columns
