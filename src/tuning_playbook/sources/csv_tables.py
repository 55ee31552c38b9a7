"""Finished trials in two CSV tables: one row for each trial, one for each measurement.

trials.csv         trial,learning_rate,label_smoothing,seed
                   a,0.1,0.0,0
measurements.csv   trial,step,validation/accuracy,train_loss
                   a,1000,0.71,1.84
"""

from collections.abc import Mapping
from pathlib import Path

from tuning_playbook.declarations import NAME
from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.measurements import (
    LOGGED,
    Steps,
    record_of,
    split_of,
)
from tuning_playbook.sources.seeds import told_apart
from tuning_playbook.sources.table import Row, Table, read_table
from tuning_playbook.trials.imported_trial import ImportedTrial
from tuning_playbook.trials.record import Status

ABOUT_A_TRIAL = ("trial", "seed", "status", "infeasible_reason")
"""The columns of the table of trials that are no hyperparameters."""

STATUSES: dict[str, Status] = {
    "": "completed",
    "completed": "completed",
    "diverged": "diverged",
    "failed": "failed",
}


def read_csv(
    trials: Path, measurements: Path, objective: str, rename: Mapping[str, str]
) -> tuple[ImportedTrial, ...]:
    """Return the trials of two tables, in the order of the first.

    Args:
        trials: A row for each trial. Columns: `trial`, its name; `seed`, `status` and
            `infeasible_reason`, empty where they are not known; any other is a hyperparameter,
            whose cell is empty where it does not exist.
        measurements: Rows of what was measured, in any order. Columns: `trial`, `step`, metrics as
            `<split>/<name>`, and `train_loss`, `grad_norm` and the like, logged while training. A
            cell is empty where that was not measured then.
        objective: The objective's metric.
        rename: Names here of columns of either table.

    Raises:
        SourceError: A table cannot be read; the message names the file, the row and the column.
    """
    table = read_table(trials, ["trial"], rename)
    for column in table.columns:
        if column not in ABOUT_A_TRIAL and not NAME.fullmatch(column):
            raise SourceError(
                f"{trials}: column '{column}': no name of a hyperparameter: those are lower-case "
                "letters, digits and underscores; give it another under 'source.rename'"
            )
    known: dict[str, Row] = {}
    for row in table.rows:
        name = row.cells["trial"]
        if not name:
            raise row.error("trial", "the trial has no name")
        if name in known:
            raise row.error("trial", f"'{name}' stands in row {known[name].number} already")
        known[name] = row
    measured = _read_measurements(measurements, objective, known, rename)
    seeds = told_apart([_seed(row) for row in known.values()])
    return tuple(
        _finish(row, table, measured[name], objective, seed)
        for (name, row), seed in zip(known.items(), seeds, strict=True)
    )


def _seed(row: Row) -> int | None:
    return row.whole("seed") if row.cells.get("seed") else None


def _read_measurements(
    path: Path, objective: str, known: Mapping[str, Row], rename: Mapping[str, str]
) -> dict[str, Steps]:
    table = read_table(path, ["trial", "step", objective], rename)
    columns = [name for name in table.columns if name not in ("trial", "step")]
    for column in columns:
        if column not in LOGGED and split_of(column) is None:
            raise SourceError(
                f"{path}: column '{column}': neither a metric, <split>/<name> with split train, "
                f"validation or test, nor one of {', '.join(LOGGED)}{nearest(column, LOGGED)}"
            )
    columns = [name for name in columns if split_of(name) != "test"]
    measured: dict[str, Steps] = {name: {} for name in known}
    for row in table.rows:
        name = row.cells["trial"]
        if name not in measured:
            raise row.error(
                "trial", f"'{name}' is not in the table of trials{nearest(name, measured)}"
            )
        there = measured[name].setdefault(row.whole("step"), {})
        for column in columns:
            value = row.real(column)
            if value is None:
                continue
            if column in there:
                raise row.error(
                    column, f"trial '{name}' has a value at step {row.cells['step']} already"
                )
            there[column] = value
    return measured


def _finish(row: Row, table: Table, steps: Steps, objective: str, seed: int) -> ImportedTrial:
    values = {
        name: value
        for name in table.columns
        if name not in ABOUT_A_TRIAL and (value := row.value(name)) is not None
    }
    told = row.cells.get("status", "")
    if told not in STATUSES:
        known = ", ".join(filter(None, STATUSES))
        raise row.error("status", f"'{told}' is not one of {known}{nearest(told, STATUSES)}")
    outcome = None
    if STATUSES[told] != "completed":
        why = row.cells.get("infeasible_reason") or f"its source says no more than '{told}'"
        outcome = (STATUSES[told], why)
    return ImportedTrial(
        name=row.cells["trial"],
        where=f"{row.path}: row {row.number}",
        seed=seed,
        seed_told=_seed(row) is not None,
        hyperparameters=values,
        record=record_of(steps, steps, objective, outcome),
    )
