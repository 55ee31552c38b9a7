"""A table of runs that Weights & Biases exports as CSV: a run a row, its last metrics beside it.

The table does not say which columns are metrics and which hyperparameters. The objective and what
the spec renames to `<split>/<name>` are metrics; of the others every one is a hyperparameter unless
the spec lists those.

Source: https://docs.wandb.ai, "Export table data to CSV".
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.csv_file import read_table
from tuning_playbook.sources.csv_tables import guesses
from tuning_playbook.sources.measurements import split_of
from tuning_playbook.sources.runs import END, Logs, Run, listed
from tuning_playbook.sources.table import Row
from tuning_playbook.trials.record import Status

ABOUT_A_RUN = (
    *("Name", "ID", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "Group"),
    *("Job Type", "Commit", "GitHub", "Hostname", "Updated", "End Time", "Description", "Agent"),
    *("Start Time", "GPU Type", "GPU Count", "Github", "Command", "Python Version", "Project"),
)
"""Columns that the table has of every run."""

STEP = "_step"

STATES: dict[str, Status | None] = {
    "finished": "completed",
    "crashed": "failed",
    "failed": "failed",
    "killed": "failed",
    "preempted": "failed",
    "preempting": None,
    "pending": None,
    "running": None,
}
"""How a run of each state ended; None for one that has not."""


def read_wandb(
    path: Path,
    objective: str,
    rename: Mapping[str, str],
    types: Mapping[str, str],
    wanted: Callable[[str], bool],
) -> Logs:
    """Return the runs of a table.

    Args:
        path: The CSV file.
        objective: The column that is the objective's metric.
        rename: The spec's names.
        types: The types that the spec gives columns, by their names here or in the file.
        wanted: Whether a run of this name is read.

    Raises:
        SourceError: The file cannot be read as such a table.
    """
    there = {here: name for name, here in rename.items()}
    kinds = {there.get(name, name): kind for name, kind in types.items()} | dict(types)
    table = read_table(path, ["Name"], types=kinds)
    if objective not in table.columns:
        raise SourceError(
            f"{path}: there is no column '{objective}'{nearest(objective, table.columns)} "
            f"(columns: {', '.join(table.columns)}); say with 'source.objective' which one is the "
            "objective's metric"
        )
    metrics = [
        name
        for name in table.columns
        if name == objective or split_of(rename.get(name, name)) is not None
    ]
    internal = [name for name in table.columns if name.startswith("_")]
    parameters = [name for name in table.columns if name not in (*ABOUT_A_RUN, *metrics, *internal)]
    names = [row.text("Name") for row in table.rows]
    runs: list[Run] = []
    unread: list[str] = []
    unfinished: list[str] = []
    guessed: dict[str, str] = {}
    named = Counter(names)
    for place, row in enumerate(table.rows):
        name = names[place]
        if not name or named[name] > 1:
            name = row.text("ID") or f"{name or 'run'} in row {row.number}"
        if not (wanted(name) or wanted(names[place])):
            unread.append(name)
            continue
        state = row.text("State").lower()
        if state not in (*STATES, ""):
            raise row.error("State", f"'{state}' is not one of {', '.join(STATES)}")
        ended = STATES[state] if state else "completed"
        if ended is None:
            unfinished.append(name)
            continue
        step = row.whole(STEP, 0, guessed) if row.cells.get(STEP) else END
        runs.append(
            Run(
                name=name,
                where=row.where,
                parameters={column: row.cells[column] for column in parameters},
                measured=_measured(row, metrics, step, guessed),
                outcome=("failed", f"W&B has it as {state}") if ended == "failed" else None,
            )
        )
    notes = [
        *table.notes,
        f"Columns read as hyperparameters: {listed(parameters) or 'none'}. Where one is a result "
        "of training, list the hyperparameters under 'source.hyperparameters'.",
    ]
    if guessed:
        notes.append(f"Read in {path.name}: {guesses(guessed)}, and others likewise.")
    if unfinished:
        notes.append(f"Not finished, and left out: {listed(unfinished)}.")
    return Logs(runs, unread, notes=notes)


def _measured(
    row: Row, metrics: list[str], step: int, guessed: dict[str, str]
) -> dict[str, dict[int, float]]:
    values = {name: row.real(name, guessed) for name in metrics}
    return {name: {step: value} for name, value in values.items() if value is not None}
