"""Describe an error from a user's own code: the error, and the user's lines it came through."""

import inspect
import linecache
import re
import sysconfig
import traceback
from pathlib import Path

import tuning_playbook

PACKAGE = Path(tuning_playbook.__file__).resolve().parent

NOT_THEIRS = tuple(
    str(Path(folder).resolve())
    for folder in (
        str(PACKAGE),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
)
"""Folders whose lines are not the user's: this package, Python, installed packages."""

SHOWN_LINES = 3
"""Most of the user's lines that are shown, the innermost ones."""

LONGEST_MESSAGE = 600
"""Most characters of an error's message; JAX's may be pages long."""

OF_JAX = re.compile(
    r"\s*(The error (occurred|arose) |This concrete value was |This value became a tracer |"
    r"See https://docs\.jax\.dev|-{10,}|For simplicity, JAX has removed|If using `jit`)"
)
"""Where a JAX message stops describing the error and starts to explain JAX itself."""


def explain(error: BaseException, own: str = "") -> str:
    """Return an exception and the user's lines that it came through, on one line.

    Args:
        error: The exception.
        own: The file of the user's class; its lines count wherever it is.
    """
    if isinstance(error, SystemExit):
        said = f"it called sys.exit({'' if error.code is None else repr(error.code)})"
    else:
        said = f"{type(error).__name__}: {message_of(error)}"
    shown = "; ".join(_line(frame) for frame in _frames(error, own)[-SHOWN_LINES:])
    return f"{said} ({shown})" if shown else said


def is_of_a_user(error: BaseException, own: str = "") -> bool:
    """Return whether an exception came through a user's lines; see `explain`."""
    return isinstance(error, SystemExit) or bool(_frames(error, own))


def own_file(workload: object) -> str:
    """Return the file of a workload's class.

    It is empty for a class of this package, and for a class without a file.
    """
    try:
        file = inspect.getfile(type(workload))
    except (OSError, TypeError):  # the class was typed into an interpreter
        return ""
    return "" if Path(file).resolve().is_relative_to(PACKAGE) else file


def message_of(error: BaseException) -> str:
    """Return an exception's message on one line, without JAX's explanations of itself."""
    text = " ".join(OF_JAX.split(str(error), maxsplit=1)[0].split()).rstrip(".")
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} ..."


def _frames(error: BaseException, own: str) -> list[traceback.FrameSummary]:
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == own or _is_theirs(frame.filename)
    ]


def _is_theirs(filename: str) -> bool:
    if filename.startswith("<"):
        return False
    path = str(Path(filename).resolve())
    return not any(Path(path).is_relative_to(folder) for folder in NOT_THEIRS)


def _line(frame: traceback.FrameSummary) -> str:
    source = linecache.getline(frame.filename, frame.lineno or 0).strip()
    return f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}: {source}"
