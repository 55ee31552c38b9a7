"""Trials in the folder of an experiment of Ray Tune, a folder each.

A trial's folder holds `params.json`, what it was given; `result.json`, a line of JSON for each
result, or `progress.csv`, the same as a table; and `error.txt` where it failed. `params.pkl` is
never opened.

Source: https://docs.ray.io/en/latest/tune, `ray.tune.logger`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.csv_file import read_table
from tuning_playbook.sources.foreign_files import (
    files_in,
    lines_of,
    open_text,
    parse_json,
    read_object,
)
from tuning_playbook.sources.runs import Logs, Run, flattened, listed
from tuning_playbook.sources.table import Cell
from tuning_playbook.trials.record import Status

CONFIG = "config/"
"""Before the name of a parameter among the results."""

BOOKKEEPING = (
    *("training_iteration", "time_this_iter_s", "time_total_s", "timestamp", "pid", "iterations"),
    *("time_since_restore", "timesteps_since_restore", "iterations_since_restore", "done"),
    *("timesteps_total", "episodes_total", "should_checkpoint", "warmup_time", "trial_id"),
    *("experiment_id", "experiment_tag", "date", "hostname", "node_ip", "checkpoint_dir_name"),
)
"""Results that Ray adds itself."""

LONGEST_REASON = 200

Measured = dict[str, ByStep]


def read_ray(folder: Path, step: str, wanted: Callable[[str], bool]) -> Logs:
    """Return the runs in a folder, by the names of their folders.

    Args:
        folder: It holds the folders of the trials, at any depth.
        step: The result that says how long a trial has trained.
        wanted: Whether a run of this name is read.

    Raises:
        SourceError: There are none.
    """
    places = sorted(
        {
            path.parent
            for name in ("params.json", "result.json", "progress.csv", "error.txt")
            for path in files_in(folder, name)
        }
    )
    if not places:
        raise SourceError(
            f"{folder}: there are no params.json, result.json and progress.csv in its folders; "
            "give the folder of an experiment of Ray Tune"
        )
    runs: list[Run] = []
    unread: list[str] = []
    left_out: dict[str, str] = {}
    notes: list[str] = []
    for path in places:
        name = path.relative_to(folder).as_posix() if path != folder else path.name
        if not wanted(name):
            unread.append(name)
            continue
        try:
            rows, cut = _results(path, step)
            parameters = _parameters(path, rows)
        except SourceError as error:
            left_out[name] = str(error)
            continue
        notes += cut
        try:
            measured = _measured(path, rows, step)
            outcome = _outcome(path, measured)
        except SourceError as error:
            measured, outcome = {}, ("failed", str(error))
        runs.append(Run(name, str(path), parameters, measured, outcome))
    return Logs(runs, unread, left_out, notes)


def _results(path: Path, step: str) -> tuple[list[dict[str, Cell]], list[str]]:
    """Return the results of a trial, flat, and what is said of a last line that may be cut off."""
    lines = path / "result.json"
    if lines.exists() and lines.stat().st_size:
        rows: list[dict[str, Cell]] = []
        with open_text(lines) as file:
            texts = [
                (number, line)
                for number, line in enumerate(lines_of(file, lines), 1)
                if line.strip()
            ]
        for number, line in texts:
            try:
                content = parse_json(line, f"{lines}: row {number}")
            except SourceError:
                if number == texts[-1][0] and not line.endswith("\n") and rows:
                    return rows, [f"The last line of {lines} is cut off, and is not read."]
                raise
            if not isinstance(content, dict):
                raise SourceError(f"{lines}: row {number}: it must hold names with values")
            rows.append(flattened(content))
        return rows, []
    table = path / "progress.csv"
    if table.exists() and table.stat().st_size:
        content = read_table(table, [], called=f"{path.name}/{table.name}", step=step)
        notes = [content.last_line] if content.last_line else []
        return [dict(row.cells) for row in content.rows], notes
    return [], []


def _parameters(path: Path, rows: Sequence[Mapping[str, Cell]]) -> dict[str, Cell]:
    """Return what a trial was given: its own file says, or its results do.

    Raises:
        SourceError: Neither does.
    """
    if (path / "params.json").exists():
        return flattened(read_object(path / "params.json"))
    found = {
        name.removeprefix(CONFIG): cell
        for row in rows[:1]
        for name, cell in row.items()
        if name.startswith(CONFIG)
    }
    if not found:
        raise SourceError(f"{path / 'params.json'}: there is no such file")
    return found


def _measured(path: Path, rows: Sequence[Mapping[str, Cell]], step: str) -> Measured:
    found: Measured = {}
    for place, row in enumerate(rows):
        when = _number(row.get(step))
        if when is None or not 0 <= when < 2**63 or when != int(when):
            raise SourceError(
                f"{path}: result {place + 1} has no whole number '{step}' (its results: "
                f"{listed(name for name in row if not name.startswith(CONFIG))}); say under "
                "'source.step' what counts its steps"
            )
        for name, cell in row.items():
            value = _number(cell)
            if value is None or name.startswith(CONFIG) or name in (step, *BOOKKEEPING):
                continue
            found.setdefault(name, ByStep())[int(when)] = value
    return found


def _number(cell: Cell) -> float | None:
    """Return the number in a result; None for text, truth values and what is empty."""
    if isinstance(cell, bool) or cell is None or cell == "":
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def _outcome(path: Path, measured: Mapping[str, Any]) -> tuple[Status, str] | None:
    error = path / "error.txt"
    if error.exists():
        with open_text(error) as file:
            lines = [line.strip() for line in file.read(2**20).splitlines() if line.strip()]
        return "failed", (lines[-1] if lines else "error.txt is empty")[:LONGEST_REASON]
    return None if measured else ("failed", f"{path}: it has no result")
