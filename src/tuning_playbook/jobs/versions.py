"""Hashes of what decides a trial's numbers: code and data."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from tuning_playbook.workloads.protocol import Arrays


def code_version(files: Iterable[Path]) -> str:
    """Return a hash of Python files that comments, docstrings and blank lines do not change.

    The text is compared rather than the syntax tree, whose form differs between releases of
    Python: a version must be the same for everyone who has the same source.
    """
    sources = [(path.name, strip_comments(path.read_text(encoding="utf-8"))) for path in files]
    state = hashlib.sha256()
    for name, source in sorted(sources):
        state.update(f"{name}\0{source}".encode())
    return state.hexdigest()[:16]


def strip_comments(source: str) -> str:
    r"""Return Python source without comments, docstrings, blank lines and trailing spaces.

    Example:
        >>> strip_comments('x = 1  # one\n\n\ny = "#"\n')
        'x = 1\ny = "#"'
    """
    rows = [row.encode() for row in source.split("\n")]  # as Python counts rows and columns
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
    """Yield every string that stands as a statement of its own."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node


def data_version(splits: Mapping[str, Arrays]) -> str:
    """Return a hash of every array of every split: names, types, shapes and bytes."""
    state = hashlib.sha256()
    for split in sorted(splits):
        for name in sorted(splits[split]):
            array = np.ascontiguousarray(splits[split][name])
            state.update(f"{split}/{name}:{array.dtype.str}{array.shape}\0".encode())
            state.update(array.data if array.size else b"")
    return state.hexdigest()[:16]
