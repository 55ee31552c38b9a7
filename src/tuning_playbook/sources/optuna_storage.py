"""Trials in a storage of Optuna: an SQLite file, or a journal file of JSON lines.

A trial that was pruned is one that was stopped early: what it reported until then counts. A trial
that still runs or waits is none yet.

Source: https://github.com/optuna/optuna, `optuna/storages/_rdb/models.py` and
`optuna/storages/journal/_storage.py`.
"""

import math
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.foreign_files import check_size
from tuning_playbook.sources.optuna_database import studies_in_database
from tuning_playbook.sources.optuna_operations import studies_in_journal
from tuning_playbook.sources.optuna_stored import (
    Ranges,
    Stored,
    StoredStudy,
    distribution_of,
)
from tuning_playbook.sources.runs import END, SEED, Logs, Run, listed
from tuning_playbook.sources.sqlite_tables import MAGIC, unwritten
from tuning_playbook.sources.table import Cell
from tuning_playbook.trials.record import Status

ONE_VALUE = 1e-6
"""Relative: what a trial reports is often in float32, and what it returns is not."""


def read_optuna(
    path: Path, study: str | None, objective: str, mode: str, wanted: Callable[[str], bool]
) -> Logs:
    """Return the runs of a study in a storage of Optuna, by their numbers.

    Args:
        path: An SQLite file, or a journal file.
        study: The study's name; None where the storage has one alone.
        objective: The metric that its trials return and report.
        mode: Whether less or more of it is better, as the spec says.
        wanted: Whether a run of this name is read; a run's name is its number.

    Raises:
        SourceError: The file cannot be read, or the study is not in it.
    """
    check_size(path)
    with path.open("rb") as file:
        database = file.read(len(MAGIC)) == MAGIC
    found = _chosen(
        path, studies_in_database(path) if database else studies_in_journal(path), study
    )
    notes = unwritten(path) if database else []
    _check_direction(path, found, mode)
    runs: list[Run] = []
    unread: list[str] = []
    unfinished: list[str] = []
    ranges: Ranges = {}
    beside: list[str] = []
    for trial in sorted(found.trials, key=lambda item: item.number):
        name = str(trial.number)
        if not wanted(name):
            unread.append(name)
        elif trial.state in ("RUNNING", "WAITING"):
            unfinished.append(name)
        else:
            measured = copy(trial.reported)
            if trial.value is not None and not _among(trial.value, measured):
                # What a trial returns is measured after what it reported.
                measured[max(measured) + 1 if measured else END] = trial.value
                beside += [name] if trial.reported else []
            runs.append(
                Run(
                    name=name,
                    where=trial.where,
                    parameters=trial.params | _seed(trial.attributes),
                    measured={objective: measured} if measured else {},
                    outcome=_outcome(trial),
                    ended="pruned, and counts with what it reported"
                    if trial.state == "PRUNED"
                    else "",
                )
            )
            for parameter, text in trial.distributions.items():
                given = distribution_of(text, f"{trial.where}, parameter '{parameter}'")
                if ranges.setdefault(parameter, given) != given:
                    ranges[parameter] = None
    if unfinished:
        notes.append(f"Not finished, and left out: {listed(unfinished)}.")
    if beside:
        notes.append(
            f"The value that a trial returned was none that it had reported, and counts one step "
            f"after the last report: {listed(beside)}."
        )
    changed = [name for name, given in ranges.items() if given is None]
    if changed:
        notes.append(
            f"Ranges that differ between trials, or that no spec can write, and are not used: "
            f"{listed(changed)}."
        )
    known = {name: given for name, given in ranges.items() if given is not None}
    return Logs(runs, unread, notes=notes, ranges=known)


def _among(value: float, reported: Mapping[int, float]) -> bool:
    """Whether what a trial returned is one of the values that it had reported, in float32 or so."""
    return any(
        value == item or math.isclose(value, item, rel_tol=ONE_VALUE) for item in reported.values()
    )


def _chosen(path: Path, studies: list[StoredStudy], wanted: str | None) -> StoredStudy:
    names = [study.name for study in studies]
    if not studies:
        raise SourceError(f"{path}: it holds no study of Optuna")
    if wanted is None and len(studies) > 1:
        raise SourceError(
            f"{path}: it holds {len(studies)} studies; give one under 'source.study' "
            f"({listed(names)})"
        )
    found = studies[0] if wanted is None else None
    for study in studies:
        found = study if study.name == wanted else found
    if found is None:
        raise SourceError(
            f"{path}: there is no study '{wanted}'{nearest(str(wanted), names)} "
            f"(studies: {listed(names)})"
        )
    if len(found.directions) > 1:
        raise SourceError(
            f"{path}: the study '{found.name}' has {len(found.directions)} objectives; one with a "
            "single objective can be read"
        )
    return found


def _check_direction(path: Path, study: StoredStudy, mode: str) -> None:
    """Check that the study went the way that the spec goes."""
    direction = study.directions[0] if study.directions else ""
    told = {"MINIMIZE": "min", "MAXIMIZE": "max"}.get(direction, "")
    if told and told != mode:
        raise SourceError(
            f"{path}: the study '{study.name}' is one of mode '{told}', and 'objective.mode' says "
            f"'{mode}'"
        )


def _outcome(trial: Stored) -> tuple[Status, str] | None:
    if trial.state == "FAIL":
        why = trial.attributes.get("fail_reason") or trial.attributes.get("failure_reason")
        return "failed", f"Optuna has it as failed{f': {why}' if why else ''}"
    return None


def _seed(attributes: Mapping[str, Any]) -> dict[str, Cell]:
    seed = attributes.get("seed")
    return {SEED: seed} if isinstance(seed, int) else {}
