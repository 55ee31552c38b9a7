"""Hashes of what decides a trial's numbers: code and data."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuning_playbook.errors import WorkloadError
from tuning_playbook.files import cache_folder, keep_cached, read_cached
from tuning_playbook.jobs.user_code import explain, own_file
from tuning_playbook.workloads.protocol import Arrays, Workload

PIECE_BYTES = 2**24
"""Bytes of the pieces in which arrays are hashed."""


def code_version(files: Iterable[Path]) -> str:
    """Return a hash of Python files that ignores comments, docstrings and blank lines.

    It is of the text and not of the syntax tree, whose form differs between Python releases: a
    version must be the same for everyone who has the same source.
    """
    return _version_of((path.name, path.read_bytes()) for path in files)


def _version_of(contents: Iterable[tuple[str, bytes]]) -> str:
    sources = [(name, strip_comments(_text(content))) for name, content in contents]
    state = hashlib.sha256()
    for name, source in sorted(sources):
        state.update(f"{name}\0{source}".encode())
    return state.hexdigest()[:16]


def _text(content: bytes) -> str:
    """Return a file's text as Python reads it, whatever ends its lines."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8").read()


def known_code_version(files: Sequence[Path]) -> str:
    """Return `code_version` of the files, from the user's cache if it is known there.

    Every training job needs it, and stripping the comments from the engine takes longer than twenty
    steps of a small model. The cache key is the files' names and contents and this module, which
    defines what a comment is.
    """
    # Read once: the file may be edited meanwhile, and key and version have to be of the same text.
    contents = [(path.name, path.read_bytes()) for path in files]
    state = hashlib.sha256()
    for name, content in sorted([*contents, ("", Path(__file__).read_bytes())]):
        state.update(f"{name}\0{len(content)}\0".encode() + content)
    kept = cache_folder() / "versions" / state.hexdigest()[:32]
    version = (read_cached(kept) or b"").decode()
    if not version:
        version = _version_of(contents)
        keep_cached(kept, version.encode())
    return version


def strip_comments(source: str) -> str:
    r"""Return Python source without comments, docstrings, blank lines and trailing spaces.

    Example:
        >>> strip_comments('x = 1  # one\n\n\ny = "#"\n')
        'x = 1\ny = "#"'
    """
    rows = [row.encode() for row in source.split("\n")]  # split as Python counts rows and columns
    whole: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (first, column), (last, _) = token.start, token.end
        if token.type == tokenize.COMMENT:
            rows[first - 1] = source.split("\n")[first - 1][:column].encode()
        elif token.type != tokenize.NEWLINE and token.string.strip():
            whole |= set(range(first - 1, last - 1))  # rows that end inside a string
    for node in _docstrings(ast.parse(source)):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        head, tail = rows[first][: node.col_offset], rows[last][node.end_col_offset :]
        rows[first : last + 1] = [head + tail, *[b""] * (last - first)]
        whole -= set(range(first, last))
    kept = [
        row if number in whole else row.rstrip()
        for number, row in enumerate(rows)
        if number in whole or row.strip()
    ]
    return b"\n".join(kept).decode()


def _docstrings(tree: ast.AST) -> Iterable[ast.Expr]:
    """Yield every string that is a statement by itself."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node


def version_of_data(workload: Workload, splits: Mapping[str, Arrays]) -> str:
    """Return the version of a workload's data: its own `data_version`, or a hash of the data.

    Without `data_version` it is a hash of every array; if the workload makes its own training
    batches, also of the contents of its `data_files`.

    Args:
        workload: The workload.
        splits: Its arrays.

    Raises:
        WorkloadError: Its own version cannot be determined, or a file cannot be read.
    """
    declared = getattr(workload, "data_version", None)
    if declared is not None:
        said = _asked(workload, declared)
        if not isinstance(said, str):
            raise WorkloadError(
                f"{type(workload).__name__}.data_version returns an object of type "
                f"{type(said).__name__}; it must return a text that changes with the data"
            )
        return hashlib.sha256(f"data_version {said}".encode()).hexdigest()[:16]
    arrays = data_version(splits)
    if not hasattr(workload, "train_batches"):
        return arrays
    files: Any = getattr(workload, "data_files", None)
    read = _asked(workload, lambda: files_version(files()))
    return hashlib.sha256(f"{arrays} {read}".encode()).hexdigest()[:16]


def _asked(workload: Workload, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except (Exception, SystemExit) as error:  # a user's class may raise anything
        raise WorkloadError(
            f"{type(workload).__name__}: the version of its data is not known: "
            f"{explain(error, own_file(workload))}"
        ) from error


def files_version(files: Iterable[Path | str]) -> str:
    """Return a hash of files' contents, whatever their names; a folder counts as its files."""
    state = hashlib.sha256()
    for path in map(Path, files):
        inside = sorted(item for item in path.rglob("*") if item.is_file())
        for file in inside if path.is_dir() else [path]:
            with file.open("rb") as content:
                state.update(hashlib.file_digest(content, "sha256").digest())
    return state.hexdigest()[:16]


def data_version(splits: Mapping[str, Arrays]) -> str:
    """Return a hash of every array of every split: names, types, shapes and bytes."""
    state = hashlib.sha256()
    for split in sorted(splits):
        for name in sorted(splits[split]):
            array = splits[split][name]
            state.update(f"{split}/{name}:{array.dtype.str}{array.shape}\0".encode())
            for piece in _pieces(array):
                state.update(piece.data)
    return state.hexdigest()[:16]


def _pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array's bytes in C order, a piece at a time.

    A view may be far larger than the data behind it, like overlapping windows of a text, and a
    memory map larger than the memory: neither is copied as a whole.
    """
    if array.size > 1 and array.nbytes > PIECE_BYTES:
        rows = max(1, PIECE_BYTES * len(array) // array.nbytes)
        for start in range(0, len(array), rows):
            part = array[start : start + rows]
            yield from _pieces(part[0] if rows == 1 and array.ndim > 1 else part)
    elif array.size:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8)
