"""Rows of the tables of an SQLite file that somebody else made.

The file is opened read-only and as one that nobody changes. Plain tables are read and nothing else:
a view, a virtual table or a generated column could run what its maker wrote, so an authorizer
allows no function and no other table, and no statement but a SELECT of named columns.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.foreign_files import MOST_ROWS, check_size

LONGEST_CELL = 2**20
"""In bytes."""

MAGIC = b"SQLite format 3\x00"

CellValue = str | int | float | None


class Database:
    """An SQLite file whose plain tables can be read.

    Attributes:
        path: The file.
        tables: The columns of each plain table, by its name.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        names = [
            str(name)
            for name, kind, sql in self._rows("SELECT name, type, sql FROM sqlite_master")
            if kind == "table" and str(sql).upper().startswith("CREATE TABLE")
        ]
        self.tables = {
            name: [str(row[1]) for row in self._rows(f"PRAGMA table_info({_quoted(name)})")]
            for name in names
        }

    def read(
        self, table: str, columns: Sequence[str], optional: Sequence[str] = ()
    ) -> Iterator[tuple[CellValue, ...]]:
        """Yield the rows of a table, in the order in which they were written.

        Args:
            table: Its name.
            columns: The columns that it must have.
            optional: Columns that come after these; None where the table has no such column.

        Raises:
            SourceError: There is no such plain table or column, or it cannot be read.
        """
        if table not in self.tables:
            known = ", ".join(sorted(self.tables)) or "none"
            raise SourceError(f"{self.path}: there is no table '{table}' (tables: {known})")
        missing = [name for name in columns if name not in self.tables[table]]
        if missing:
            raise SourceError(f"{self.path}: table '{table}' has no column '{missing[0]}'")
        wanted = [
            _quoted(name) if name in self.tables[table] else "NULL"
            for name in (*columns, *optional)
        ]
        query = f"SELECT {', '.join(wanted)} FROM {_quoted(table)}"
        for number, row in enumerate(self._rows(query)):
            if number >= MOST_ROWS:
                raise SourceError(f"{self.path}: table '{table}' has more than {MOST_ROWS:,} rows")
            yield tuple(
                cell if cell is None or isinstance(cell, str | int | float) else None
                for cell in row
            )

    def _rows(self, query: str) -> Iterator[tuple[object, ...]]:
        try:
            yield from self._connection.execute(query)
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            said = " ".join(str(error).split())  # it may quote what its maker wrote in lines
            raise SourceError(f"{self.path}: it cannot be read as a database: {said}") from None


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """Open an SQLite file.

    Raises:
        SourceError: It is none, or cannot be read.
    """
    check_size(path)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise SourceError(f"{path}: it is no SQLite file")
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(uri, uri=True)
    except sqlite3.Error as error:
        raise SourceError(f"{path}: it cannot be read as a database: {error}") from None
    with closing(connection):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, LONGEST_CELL)
        connection.set_authorizer(_allowed)
        yield Database(path, connection)


def unwritten(path: Path) -> list[str]:
    """Return what is said of a database whose last changes stand in a file beside it."""
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return []
    return [
        f"{log.name} holds changes that are not in {path.name} yet, and they are not read: close "
        "the program that writes them first."
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _allowed(
    action: int, first: str | None, second: str | None, database: str | None, inner: str | None
) -> int:
    """Allow what reads plain columns; `inner` names the view or trigger that asks, if one does."""
    del second, database
    reading = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
    describing = action == sqlite3.SQLITE_PRAGMA and first == "table_info"
    if inner is None and (reading or describing):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
