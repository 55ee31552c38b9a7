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
    state = hashlib.sha256()
    for path in sorted(files, key=lambda item: item.name):
        state.update(f"{path.name}\0".encode())
        state.update(strip_comments(path.read_text(encoding="utf-8")).encode())
    return state.hexdigest()[:16]


def strip_comments(source: str) -> str:
    r"""Return Python source without comments, docstrings, blank lines and trailing spaces.

    Example:
        >>> strip_comments('x = 1  # one\n\n\ny = "#"\n')
        'x = 1\ny = "#"'
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for start, end in _docstrings(ast.parse(source)):
        for row in range(start, end + 1):
            lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _docstrings(tree: ast.AST) -> Iterable[tuple[int, int]]:
    """Yield the first and last line of every string that stands as a statement of its own."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            and node.end_lineno is not None
        ):
            yield node.lineno, node.end_lineno


def data_version(splits: Mapping[str, Arrays]) -> str:
    """Return a hash of every array of every split: names, types, shapes and bytes."""
    state = hashlib.sha256()
    for split in sorted(splits):
        for name in sorted(splits[split]):
            array = np.ascontiguousarray(splits[split][name])
            state.update(f"{split}/{name}:{array.dtype.str}{array.shape}\0".encode())
            state.update(array.data if array.size else b"")
    return state.hexdigest()[:16]
