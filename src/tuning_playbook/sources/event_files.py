"""Runs in event files of TensorBoard: a folder each, with its hyperparameters and its scalars.

The hyperparameters are those of TensorBoard's plugin of that name, which `hp.hparams` of TensorFlow
and `add_hparams` of PyTorch write. Metrics in folders `train`, `validation` and the like below that
of a run are its metrics of that split, as Keras writes them.

Source: https://github.com/tensorflow/tensorboard, `event.proto`, `summary.proto` and
`plugins/hparams/plugin_data.proto`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.foreign_files import files_in, read_bytes
from tuning_playbook.sources.runs import Logs, Run, listed
from tuning_playbook.sources.table import Cell
from tuning_playbook.sources.wire_format import (
    DamagedError,
    inner,
    message,
    reals,
    records,
    text,
    whole,
)
from tuning_playbook.trials.record import Status

PATTERN = "*tfevents*"

SPLITS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "eval": "validation",
    "test": "test",
}
"""Names of a folder below a run's, and the split whose metrics it holds."""

TIMESTAMP = re.compile(r"\d{9,}(\.\d+)?")
"""The folder below a run's in which PyTorch's `add_hparams` writes."""

PLUGIN = "hparams"
STARTED, ENDED = 3, 4
FAILURE, RUNNING = 2, 3

FLOAT, DOUBLE = 1, 2
"""Types of a tensor."""


@dataclass
class Stored:
    """A run as its files have it, while it is gathered."""

    path: Path
    parameters: dict[str, Cell] = field(default_factory=dict)
    measured: dict[str, ByStep] = field(default_factory=dict)
    ended: int = 0
    flaw: str = ""


def read_tensorboard(folder: Path, wanted: Callable[[str], bool]) -> Logs:
    """Return the runs in a folder, by the names of their folders.

    Args:
        folder: It holds event files, at any depth.
        wanted: Whether a run of this name is read.

    Raises:
        SourceError: There are no event files.
    """
    files = files_in(folder, PATTERN)
    if not files:
        raise SourceError(f"{folder}: there is no event file, *tfevents*, in it")
    holding = {path.parent for path in files}
    stored: dict[str, Stored] = {}
    unread: list[str] = []
    for path in files:
        place, prefix = _run_of(path.parent, folder, holding)
        name = place.relative_to(folder).as_posix() if place != folder else folder.name
        if not wanted(name):
            unread += [name] if name not in unread else []
            continue
        run = stored.setdefault(name, Stored(place))
        try:
            _read_file(path, prefix, run)
        except DamagedError as error:
            run.flaw = run.flaw or f"{path}: {error}"
        except SourceError as error:
            run.flaw = run.flaw or str(error)
    runs: list[Run] = []
    left_out: dict[str, str] = {}
    unfinished = []
    for name, run in stored.items():
        if not run.parameters:
            left_out[name] = run.flaw or f"{run.path}: its event files hold no hyperparameters"
        elif run.ended == RUNNING:
            unfinished.append(name)
        else:
            runs.append(Run(name, str(run.path), run.parameters, run.measured, _outcome(run)))
    notes = [f"Not finished, and left out: {listed(unfinished)}."] if unfinished else []
    return Logs(runs, unread, left_out, notes)


def _run_of(place: Path, folder: Path, holding: set[Path]) -> tuple[Path, str]:
    """Return the folder of the run that a folder is part of, and what its metrics begin with."""
    prefix = ""
    if place != folder and place.name in SPLITS:
        place, prefix = place.parent, f"{SPLITS[place.name]}/"
    elif place != folder and TIMESTAMP.fullmatch(place.name) and place.parent in holding:
        place = place.parent
    return place, prefix


def _outcome(run: Stored) -> tuple[Status, str] | None:
    if run.flaw:
        return "failed", run.flaw
    return ("failed", "TensorBoard has it as failed") if run.ended == FAILURE else None


def _read_file(path: Path, prefix: str, run: Stored) -> None:
    """Read the scalars and the hyperparameters of an event file into a run."""
    for place, content in records(read_bytes(path)):
        try:
            event = message(content)
            step = whole(event, 2)
            for summary in inner(event, 5):
                for value in inner(message(summary), 1):
                    _read_value(message(value), step, prefix, run)
        except DamagedError as error:
            raise DamagedError(f"record at byte {place}: {error}") from None


def _read_value(
    value: Mapping[int, list[int | bytes]], step: int, prefix: str, run: Stored
) -> None:
    for metadata in inner(value, 9):
        for plugin in inner(message(metadata), 1):
            content = message(plugin)
            if text(content, 1) == PLUGIN:
                for data in inner(content, 2):
                    _read_hparams(data, run)
                return
    number = _scalar(value)
    if number is None or step < 0:
        return
    name = text(value, 1)
    # Of a step that was written again, after a restart, the last counts.
    run.measured.setdefault(_with(prefix, name), ByStep())[step] = number


def _with(prefix: str, name: str) -> str:
    """Return a metric's name with its split; Keras repeats it as `epoch_loss`."""
    return f"{prefix}{name.removeprefix('epoch_')}" if prefix else name


def _scalar(value: Mapping[int, list[int | bytes]]) -> float | None:
    """Return the one number of a value; None for what is none."""
    for simple in inner(value, 2):
        if len(simple) == 4:
            return reals(simple, "<f")[0]
    for content in inner(value, 8):
        tensor = message(content)
        form = {FLOAT: "<f", DOUBLE: "<d"}.get(whole(tensor, 1))
        if form is None:
            continue
        packed = b"".join(inner(tensor, 4) or inner(tensor, 5 if form == "<f" else 6))
        numbers = reals(packed, form)
        if len(numbers) == 1:
            return numbers[0]
    return None


def _read_hparams(data: bytes, run: Stored) -> None:
    content = message(data)
    for started in inner(content, STARTED):
        for entry in inner(message(started), 1):
            pair = message(entry)
            for held in inner(pair, 2):
                run.parameters[text(pair, 1)] = _value(held)
    for ended in inner(content, ENDED):
        run.ended = whole(message(ended), 1)


def _value(data: bytes) -> Cell:
    """Return what a `google.protobuf.Value` holds; None for null, a list or a structure."""
    content = message(data)
    for number in inner(content, 2):
        if len(number) == 8:
            real = reals(number, "<d")[0]
            # The format has one type of number; whole ones come back as they were given.
            return int(real) if real.is_integer() and abs(real) < 2**53 else real
    if 3 in content:
        return text(content, 3)
    if 4 in content:
        return bool(whole(content, 4))
    return None
