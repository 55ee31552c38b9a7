"""The records of a CSV file: the cells of each line, whatever separates them.

Commas, semicolons or tabs may separate the cells; the first line that is no comment says which. A
line that begins with # is a comment, unless it has as many cells as the first row names columns.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.foreign_files import MOST_ROWS, lines_of, open_text

COMMENT = "#"

QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Layout:
    """How a CSV file is written.

    Attributes:
        separator: What separates the cells.
        width: The number of cells of the first row; 0 without one.
        unended: The number of a last line without a line end; 0 where it has one.
        last: The text of that line.
        comments: Lines that are comments.
    """

    separator: str
    width: int
    unended: int
    last: str
    comments: frozenset[int]


def layout_of(path: Path) -> Layout:
    """Return how a CSV file is written.

    Raises:
        SourceError: It cannot be read.
    """
    separator, width = "", 0
    number, line = 0, ""
    comments = set()
    quoted = False  # within quotation marks a line end is part of a cell
    with open_text(path) as file:
        for number, line in enumerate(lines_of(file, path), 1):
            if not quoted and line.startswith(COMMENT):
                if not width or _cells(line, separator) != width:
                    comments.add(number)
                    continue
            elif not separator and line.strip():
                unquoted = QUOTED.sub("", line)
                separator = max(",;\t", key=unquoted.count)
                width = _cells(line, separator)
            quoted ^= line.count('"') % 2 == 1
    whole = line.endswith(("\n", "\r")) or not line.strip() or number in comments
    return Layout(
        separator or ",",
        width,
        0 if whole else number,
        "" if whole else line.strip(),
        frozenset(comments),
    )


def records(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line of a CSV file that is not empty, and its cells.

    A last line without a line end that is cut off within quotation marks has no cells.

    Raises:
        SourceError: The file cannot be read as a table, or has too many rows.
    """
    with open_text(path) as file:
        lines = _without(lines_of(file, path), layout.comments)
        reader = csv.reader(lines, strict=True, delimiter=layout.separator)
        before = 0
        try:
            for count, record in enumerate(reader):
                before = reader.line_num
                if count > MOST_ROWS:
                    raise SourceError(f"{path}: it has more than {MOST_ROWS:,} rows")
                cells = [cell.strip() for cell in record]
                if any(cells):
                    yield before, cells
        except csv.Error as error:
            if before + 1 == reader.line_num == layout.unended and "unexpected end" in str(error):
                yield layout.unended, []
                return
            raise SourceError(
                f"{path}: row {reader.line_num} cannot be read as a table: {error}"
            ) from None


def _cells(line: str, separator: str) -> int:
    return QUOTED.sub("", line).count(separator) + 1


def _without(lines: Iterator[str], comments: frozenset[int]) -> Iterator[str]:
    """Yield lines, an empty one in place of each comment."""
    for number, line in enumerate(lines, 1):
        yield "\n" if number in comments else line
