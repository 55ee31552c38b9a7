"""English prose that ships with SciPy: the documentation of its hypothesis tests.

Data: the docstrings of four modules of `scipy.stats` (SciPy 1.17.1, BSD 3-Clause), 448,372
characters of prose, formulas and examples, in the order in which they stand in the source.
"""

import ast
import textwrap
from pathlib import Path

import numpy as np

from tuning_playbook.workloads.protocol import Arrays
from tuning_playbook.workloads.shipped_data import check_sha256, shipped_file

MODULES = ("_hypotests.py", "_morestats.py", "_resampling.py", "_stats_py.py")
SHA256 = "8cc2b3a3dd19a947f9290a8ee74dc5abac46deecd314b350b5ca8ab35d533fbb"

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))
"""The characters of the text; each one's position is its class. Others are read as `?`."""

HELD_OUT = 10
"""One part in this many of each module goes to validation, and one to test."""


def text_files() -> list[Path]:
    """Return the files that contain the text."""
    return [shipped_file("scipy", f"stats/{name}") for name in MODULES]


def load_windows(length: int) -> dict[str, Arrays]:
    """Return each module's text in windows: the first 80% for training, then 10% each held out.

    Args:
        length: The number of characters that each window predicts.

    Returns:
        Each split's `text`, uint8 [windows, length + 1], positions in `ALPHABET`. A window predicts
        all but its first character, which the window before predicted last. The remainder at the
        end of a module's part is not used; no character is in two splits.

    Raises:
        WorkloadError: SciPy is not installed, or has other documentation.
    """
    parts: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for text in read_texts():
        codes = encode(text)
        held_out = len(codes) // HELD_OUT
        cut = np.split(codes, [len(codes) - 2 * held_out, len(codes) - held_out])
        for split, part in zip(parts.values(), cut, strict=True):
            split.append(windows(part, length))
    return {name: {"text": np.concatenate(split)} for name, split in parts.items()}


def read_texts() -> list[str]:
    """Return the text of each module.

    Raises:
        WorkloadError: SciPy is not installed, or has other documentation.
    """
    texts = ["\n\n".join(docstrings(path.read_text(encoding="utf-8"))) for path in text_files()]
    whole = "\n\n".join(texts).encode()
    check_sha256(whole, SHA256, "the documentation of SciPy's hypothesis tests")
    return texts


def docstrings(source: str) -> list[str]:
    r"""Return a module's docstrings in their order, without the indentation of the code.

    Example:
        >>> docstrings("def f():\n    '''One.\n\n    Two.\n    '''")
        ['One.\n\nTwo.']
    """
    documented = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node, clean=False)
    )
    found = sorted(documented, key=lambda node: node.body[0].lineno)
    return [_dedent(ast.get_docstring(node, clean=False) or "") for node in found]


def _dedent(docstring: str) -> str:
    first, _, rest = docstring.partition("\n")
    return f"{first.strip()}\n{textwrap.dedent(rest)}".strip()


def encode(text: str) -> np.ndarray:
    r"""Return each character's position in `ALPHABET`, uint8 [characters].

    Example:
        >>> encode("\n !é").tolist() == [0, 1, 2, ALPHABET.index("?")]
        True
    """
    known = text.encode("ascii", errors="replace")
    places = np.full(128, ALPHABET.index("?"), np.uint8)
    places[np.frombuffer(ALPHABET.encode(), np.uint8)] = np.arange(len(ALPHABET))
    return places[np.frombuffer(known, np.uint8)]


def windows(codes: np.ndarray, length: int) -> np.ndarray:
    """Return consecutive windows that overlap by one character, [windows, length + 1].

    Example:
        >>> windows(np.arange(6), 2).tolist()
        [[0, 1, 2], [2, 3, 4]]
    """
    starts = np.arange(0, len(codes) - length, length)
    cut: np.ndarray = codes[starts[:, None] + np.arange(length + 1)]
    return cut
