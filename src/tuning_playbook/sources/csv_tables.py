"""Finished trials in tables: one row for each trial, and one for each measurement.

trials.csv         trial,learning_rate,label_smoothing,seed
                   a,0.1,0.0,0
measurements.csv   trial,step,validation/accuracy,train_loss
                   a,1000,0.71,1.84

The tables are CSV files or JSON lines. A table of trials alone has the last metrics of each trial.
One file may be both tables: it has a row for each measurement, with the trial's hyperparameters.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.column_types import numeric
from tuning_playbook.sources.measurements import is_metric, split_of
from tuning_playbook.sources.runs import END, Run, listed
from tuning_playbook.sources.table import Row, Rows, Table
from tuning_playbook.sources.told_by_name import is_result, is_seed
from tuning_playbook.trials.dataset_names import LOGGED
from tuning_playbook.trials.record import Status

ABOUT_A_TRIAL = ("trial", "status", "infeasible_reason", "step")
"""The columns of the table of trials that are no parameters."""

STATUSES: dict[str, Status] = {
    "": "completed",
    "completed": "completed",
    "diverged": "diverged",
    "failed": "failed",
}

Measured = dict[str, dict[str, ByStep]]
"""By trial and metric, its value by step."""


def read_tables(
    trials: Table,
    measurements: Table | None,
    objective: str,
    wanted: Callable[[str], bool],
) -> tuple[list[Run], list[str], list[str]]:
    """Return the runs in two tables, the names of those left out, and what is said of them.

    Args:
        trials: A row for each trial. Columns: `trial`, its name; `seed`, `status` and
            `infeasible_reason`, empty where they are not known; any other is a hyperparameter,
            whose cell is empty where it does not exist. Without measurements also metrics as
            `<split>/<name>`, and `step`, at which they were measured.
        measurements: Rows of what was measured, in any order. Columns: `trial`, `step`, metrics as
            `<split>/<name>`, and `train_loss`, `grad_norm` and the like, logged while training. A
            cell is empty where that was not measured then.
        objective: The objective's metric.
        wanted: Whether a trial of this name is read.

    Raises:
        SourceError: A table is not what it should be; the message names the file, the row and the
            column.
    """
    known: dict[str, Row] = {}
    for row in trials.rows:
        name = row.text("trial")
        if not name:
            raise row.error("trial", "the trial has no name")
        if name in known:
            hint = ""
            if measurements is None or "step" in trials.columns:
                file = trials.path.name
                hint = (
                    "; if the table has a row for each measurement of a trial, give it as both, "
                    f"'trials: {file}' and 'measurements: {file}', with a column 'step'"
                )
            raise row.error("trial", f"'{name}' is in row {known[name].number} already{hint}")
        known[name] = row
    table = measurements or trials
    both = measurements is not None and measurements.path == trials.path
    metrics, unread = _metrics(
        table, measurements is None, objective, trials.columns if both else ()
    )
    guessed: dict[str, str] = {}
    measured = _read_measurements(
        table, metrics, known, wanted, guessed, alone=measurements is None
    )
    parameters = [
        name
        for name in trials.columns
        if name not in ABOUT_A_TRIAL and not (measurements is None and is_metric(name))
    ]
    runs = [_run(row, measured[name], parameters) for name, row in known.items() if wanted(name)]
    notes = [*trials.notes, *(measurements.notes if measurements else ())]
    if guessed:
        notes.append(f"Read in {table.path.name}: {guesses(guessed)}, and others likewise.")
    if unread:
        notes.append(f"Columns of {table.path.name} left unread: {listed(unread)}.")
    return runs, [name for name in known if not wanted(name)], notes


def guesses(guessed: Mapping[str, str]) -> str:
    """Return what cells were read as, in a part of a sentence."""
    return ", ".join(f"'{text}' as {meaning}" for text, meaning in guessed.items())


def one_row_each(
    table: Table, hyperparameters: Collection[str] | None, given: Collection[str] = ()
) -> Table:
    """Return the table of trials in one with a row for each measurement.

    Args:
        table: Its columns that are no metrics have one value in all rows of a trial, or are empty.
        hyperparameters: The columns that are hyperparameters, by their names here or in the file;
            the others are left out. None for all but those whose names are those of results of
            training, and which hold numbers.
        given: The hyperparameters that the spec gives a role or a type.

    Raises:
        SourceError: A column has two values in the rows of a trial.
    """
    written = table.rows[0].written
    columns = [
        name
        for name in table.columns
        if name in ("trial", "seed", "status", "infeasible_reason")
        or (
            not (name == "step" or is_metric(name))
            and (
                _may_be_given(table, name, given)
                if hyperparameters is None
                else is_seed(name) or {name, written.get(name)} & {*hyperparameters}
            )
        )
    ]
    rows: dict[str, Row] = {}
    for row in table.rows:
        first = rows.setdefault(
            row.text("trial"), replace(row, cells={name: row.cells.get(name) for name in columns})
        )
        for name in columns:
            before, text = first.text(name), row.text(name)
            if text and before and text != before:
                raise row.error(
                    name,
                    f"trial '{row.text('trial')}' has {text}, and {before} in row {first.number}; "
                    "a hyperparameter has one value. A metric is named <split>/<name>, by "
                    "'source.rename'; or list the hyperparameters under 'source.hyperparameters'",
                )
        if missing := [name for name in columns if row.text(name) and not first.text(name)]:
            cells = {name: row.cells[name] for name in missing}
            rows[row.text("trial")] = replace(first, cells={**first.cells, **cells})
    return Table(
        table.path,
        tuple(columns),
        Rows(
            table.path,
            columns,
            [row.number for row in rows.values()],
            [tuple(row.cells.get(name) for name in columns) for row in rows.values()],
            written,
        ),
    )


def _may_be_given(table: Table, name: str, given: Collection[str]) -> bool:
    """Whether a column may be a hyperparameter, and is no result of training by its name."""
    return (
        name in given
        or not is_result(name)
        or not all(numeric(row.cells.get(name)) for row in table.rows)
    )


def _metrics(
    table: Table, alone: bool, objective: str, others: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the columns that hold metrics, and those that are left unread.

    Args:
        table: The table.
        alone: Whether it has a row for each trial.
        objective: The objective's metric.
        others: Columns that are read as something else.

    Raises:
        SourceError: The objective is missing, or a column is nearly named as a metric.
    """
    if objective not in table.columns:
        raise SourceError(
            f"{table.path}: there is no column '{objective}'{nearest(objective, table.columns)} "
            f"(columns: {', '.join(table.columns)})"
        )
    if alone:
        return [name for name in table.columns if is_metric(name)], []
    unread = []
    for column in table.columns:
        if column in ("trial", "step", *others) or is_metric(column):
            continue
        near = nearest(column, LOGGED)
        if is_result(column):
            unread.append(column)
            continue
        if near or column.partition("/")[0] in ("train", "validation", "test"):
            raise SourceError(
                f"{table.path}: column '{column}': neither a metric, <split>/<name> with split "
                f"train, validation or test, nor one of {', '.join(LOGGED)}{near}"
            )
        unread.append(column)
    return [name for name in table.columns if is_metric(name)], unread


def _read_measurements(
    table: Table,
    metrics: Collection[str],
    known: Mapping[str, Row],
    wanted: Callable[[str], bool],
    guessed: dict[str, str],
    *,
    alone: bool,
) -> Measured:
    """Return what the rows of a table say that was measured."""
    columns = [name for name in metrics if split_of(name) != "test"]
    measured: Measured = {name: {} for name in known}
    for row in table.rows:
        name = row.text("trial")
        if name not in known:
            raise row.error(
                "trial", f"'{name}' is not in the table of trials{nearest(name, known)}"
            )
        if not wanted(name):
            continue
        step = END if alone and not row.text("step") else row.whole("step", 0, guessed)
        for column in columns:
            value = row.real(column, guessed)
            if value is None:
                continue
            measured[name].setdefault(column, ByStep())[step] = value
    return measured


def _run(row: Row, measured: Mapping[str, Mapping[int, float]], parameters: list[str]) -> Run:
    told = row.text("status")
    if told not in STATUSES:
        known = ", ".join(filter(None, STATUSES))
        raise row.error("status", f"'{told}' is not one of {known}{nearest(told, STATUSES)}")
    outcome = None
    if STATUSES[told] != "completed":
        why = row.text("infeasible_reason") or f"its source says no more than '{told}'"
        outcome = (STATUSES[told], why)
    return Run(
        name=row.text("trial"),
        where=row.where,
        parameters={name: row.cells.get(name) for name in parameters},
        measured=measured,
        outcome=outcome,
        written=row.written,
    )
