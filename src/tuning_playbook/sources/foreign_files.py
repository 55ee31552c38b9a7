"""Open files of other tools, which may be damaged, huge, or made to do harm.

Nothing in them is run: no pickle, no YAML tag, no path that they name. A file is read up to a size,
and only where it lies within the folder that the spec names.
"""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tuning_playbook.errors import SourceError

LARGEST_FILE = 2**30
"""In bytes. Logs of thousands of trials are smaller; what is larger is no log."""

LARGEST_OBJECT = 2**24
"""In bytes, of a file that is read as one JSON object."""

LONGEST_LINE = 2**24
"""In characters."""

MOST_ROWS = 20_000_000
"""In a table, of a file or of a database."""

MOST_FILES = 200_000
"""In a folder. A walk that finds more has been pointed at the wrong place."""


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file in UTF-8, with or without a byte order mark; line ends stay as they are.

    Raises:
        SourceError: It cannot be read, is too large, or is in another encoding.
    """
    check_size(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path}: it cannot be read as text in UTF-8, from byte {error.start} of a part on; "
            "save it in that encoding"
        ) from None
    except OSError as error:
        raise SourceError(f"{path}: it cannot be read: {error.strerror or error}") from None


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        SourceError: It cannot be read, or is too large.
    """
    check_size(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: it cannot be read: {error.strerror or error}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        SourceError: It cannot be read, is too large, or holds something else.
    """
    if check_size(path) > LARGEST_OBJECT:
        raise SourceError(f"{path}: it is larger than {LARGEST_OBJECT:,} bytes")
    with open_text(path) as file:
        text = file.read()
    content = parse_json(text, str(path))
    if not isinstance(content, dict):
        raise SourceError(f"{path}: it must hold names with values, not {text.strip()[:40]!r}")
    return content


def parse_json(text: str, where: str) -> Any:
    """Return what a JSON text holds.

    Raises:
        SourceError: It is no JSON, or is nested too deeply; the message begins with `where`.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where}: it cannot be read as JSON: {error}") from None


def lines_of(file: TextIO, path: Path) -> Iterator[str]:
    """Yield the lines of a text file.

    Raises:
        SourceError: One is too long, as in a file that is no text of lines.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise SourceError(
                f"{path}: row {number} is longer than {LONGEST_LINE:,} characters; this is no table"
            )
        yield line


def check_size(path: Path) -> int:
    """Return the size of a file in bytes.

    Raises:
        SourceError: There is no such file, it is a pipe or a device, or it is too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(
                f"{path}: it is no plain file; a folder, a pipe or a device cannot be read as one, "
                "so copy its content to a file"
            )
        size = status.st_size
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: it cannot be read: {error}") from None
    if size > LARGEST_FILE:
        raise SourceError(f"{path}: its {size:,} bytes are more than the {LARGEST_FILE:,} read")
    return size


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files in a folder and in those below it that match a pattern, sorted.

    Links out of the folder are not followed.

    Raises:
        SourceError: The folder cannot be read, or holds too many files.
    """
    root = folder.resolve()
    found = []
    try:
        for number, path in enumerate(folder.rglob(pattern)):
            if number >= MOST_FILES:
                raise SourceError(
                    f"{folder}: it holds more than {MOST_FILES:,} files; name a smaller folder"
                )
            if path.is_file() and path.resolve().is_relative_to(root):
                found.append(path)
    except OSError as error:
        raise SourceError(f"{folder}: it cannot be read: {error}") from None
    return sorted(found)


def inside(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, where its links lead."""
    return path.resolve().is_relative_to(folder.resolve())
