"""Runs of MLflow: in a folder `mlruns/`, or in the SQLite file of a tracking server.

    mlruns/<experiment>/meta.yaml                 its name
    mlruns/<experiment>/<run>/meta.yaml           the run's name, status, life cycle
    mlruns/<experiment>/<run>/params/<name>       the value, as text
    mlruns/<experiment>/<run>/metrics/<name>      a line for each value: time, value, step

MLflow ends every line of a metric. A last line without a line end was cut off: where that is in its
step, it would be the value of an earlier one. Deleted runs are left out. Artifacts are never
opened.

Source: https://github.com/mlflow/mlflow, `mlflow/store/tracking`.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SourceError, SpecError, nearest
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.foreign_files import check_size, files_in, lines_of, open_text
from tuning_playbook.sources.runs import Logs, Run, listed
from tuning_playbook.sources.sqlite_tables import opened, unwritten
from tuning_playbook.sources.table import Cell
from tuning_playbook.study.yaml import read_yaml
from tuning_playbook.trials.record import Status

STATUSES = ("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
"""By their numbers in `meta.yaml`."""

LARGEST_PARAMETER = 2**16
"""In bytes. MLflow itself allows 6,000 characters."""

INFINITE = 1.7976931348623157e308
"""What a database holds for infinity."""

NAME_TAG = "mlflow.runName"


@dataclass
class Stored:
    """A run as the store has it, while it is gathered."""

    id: str
    experiment: str
    where: str
    name: str = ""
    status: str = ""
    params: dict[str, Cell] = field(default_factory=dict)
    metrics: dict[str, ByStep] = field(default_factory=dict)
    flaw: str = ""
    cut: list[str] = field(default_factory=list)
    """Metrics whose last line is cut off."""


def read_mlflow(path: Path, experiment: str | None, wanted: Callable[[str], bool]) -> Logs:
    """Return the runs of an experiment, by their names where no two share one, else by their ids.

    Args:
        path: A folder `mlruns/` or one of its experiments, or an SQLite file.
        experiment: The experiment's name or id; None where runs are in one alone.
        wanted: Whether a run of this name, or of this id, is read.

    Raises:
        SourceError: The store cannot be read, or holds no such experiment.
    """
    experiments, stored, notes = _in_folder(path) if path.is_dir() else _in_database(path)
    chosen = _chosen(path, experiments, stored, experiment)
    stored = sorted((run for run in stored if run.experiment == chosen), key=lambda run: run.id)
    named = Counter(run.name for run in stored)
    runs: list[Run] = []
    unread: list[str] = []
    unfinished: list[str] = []
    left_out: dict[str, str] = {}
    cut: list[str] = []
    for run in stored:
        name = run.name if run.name and named[run.name] == 1 else run.id
        if not (wanted(name) or wanted(run.id)):
            unread += [name]
        elif run.status in ("RUNNING", "SCHEDULED"):
            unfinished.append(name)
        elif run.flaw and not run.params:
            left_out[name] = run.flaw
        else:
            runs.append(Run(name, run.where, run.params, run.metrics, _outcome(run)))
            cut += [f"{metric} of {name}" for metric in run.cut]
    if cut:
        notes.append(
            "The last line of a metric has no line end, so it is cut off, and is not read: "
            f"{listed(cut)}."
        )
    if unfinished:
        notes.append(f"Not finished, and left out: {listed(unfinished)}.")
    return Logs(runs, unread, left_out, notes)


def _outcome(run: Stored) -> tuple[Status, str] | None:
    if run.flaw:
        return "failed", run.flaw
    if run.status in ("FAILED", "KILLED"):
        return "failed", f"MLflow has it as {run.status.lower()}"
    return None


def _chosen(
    path: Path, experiments: Mapping[str, str], stored: list[Stored], wanted: str | None
) -> str:
    """Return the id of the experiment that the spec asks for."""
    held = dict.fromkeys(run.experiment for run in stored)
    if not held:
        raise SourceError(f"{path}: it holds no run of MLflow")
    if wanted is None:
        if len(held) > 1:
            names = listed(experiments.get(item, item) for item in held)
            raise SourceError(
                f"{path}: runs are in {len(held)} experiments; give one under "
                f"'source.experiment' ({names})"
            )
        return next(iter(held))
    for item in held:
        if wanted in (item, experiments.get(item)):
            return item
    known = [experiments.get(item, item) for item in held]
    raise SourceError(
        f"{path}: no experiment with runs is called '{wanted}'{nearest(wanted, known)} "
        f"(known: {listed(known)})"
    )


def _in_folder(path: Path) -> tuple[dict[str, str], list[Stored], list[str]]:
    experiments: dict[str, str] = {}
    stored: list[Stored] = []
    notes: list[str] = []
    deleted = 0
    for meta in files_in(path, "meta.yaml"):
        place = meta.parent
        if ".trash" in place.relative_to(path).parts:
            continue
        try:
            content = _plain(meta)
        except SourceError as error:
            if (place / "params").is_dir() or (place / "metrics").is_dir():
                run = Stored(place.name, place.parent.name, str(place), flaw=str(error))
                stored.append(run)
                _read_run(place, run)
            else:
                notes.append(f"{error}; it is left out.")
            continue
        if "run_id" not in content and "run_uuid" not in content:
            if "experiment_id" in content:
                experiments[place.name] = str(content.get("name", ""))
            continue
        if content.get("lifecycle_stage") == "deleted":
            deleted += 1
            continue
        status = content.get("status", "")
        if isinstance(status, int) and 0 <= status < len(STATUSES):
            status = STATUSES[status]
        name = str(content.get("run_name") or _tag(place) or "")
        run = Stored(place.name, place.parent.name, str(place), name, str(status))
        stored.append(run)
        _read_run(place, run)
    if deleted:
        notes.append(f"Runs that were deleted in MLflow, and are left out: {deleted}.")
    return experiments, stored, notes


def _plain(path: Path) -> dict[str, Any]:
    """Return the plain values in a YAML file; a tag that would make an object is an error."""
    if check_size(path) > LARGEST_PARAMETER:
        raise SourceError(f"{path}: it is larger than {LARGEST_PARAMETER:,} bytes")
    try:
        return read_yaml(path, what="file of MLflow")[0]
    except SpecError as error:
        raise SourceError(str(error)) from None


def _tag(place: Path) -> str:
    path = place / "tags" / NAME_TAG
    return _text(path) if path.exists() else ""


def _text(path: Path) -> str:
    if check_size(path) > LARGEST_PARAMETER:
        raise SourceError(f"{path}: it is larger than {LARGEST_PARAMETER:,} bytes")
    with open_text(path) as file:
        return file.read().strip()


def _read_run(place: Path, run: Stored) -> None:
    """Read the parameters and the metrics of a run; what cannot be read is its flaw."""
    try:
        for path in files_in(place / "params", "*") if (place / "params").is_dir() else ():
            run.params[path.relative_to(place / "params").as_posix()] = _text(path)
        for path in files_in(place / "metrics", "*") if (place / "metrics").is_dir() else ():
            name = path.relative_to(place / "metrics").as_posix()
            values, cut = _metric(path)
            if values:
                run.metrics[name] = values
            if cut:
                run.cut.append(name)
    except SourceError as error:
        run.flaw = run.flaw or str(error)


def _metric(path: Path) -> tuple[ByStep, bool]:
    """Return the values of a metric by step, of several at one step the last; and if it is cut."""
    found = ByStep()
    with open_text(path) as file:
        for number, line in enumerate(lines_of(file, path), 1):
            parts = line.split()
            if not parts:
                continue
            if not line.endswith(("\n", "\r")):
                return found, True
            try:
                step = int(parts[2]) if len(parts) > 2 else 0
                if len(parts) < 2 or not 0 <= step < 2**63:
                    raise ValueError
                found[step] = float(parts[1])
            except ValueError:
                raise SourceError(
                    f"{path}: row {number}: '{line.strip()[:60]}' is not a time, a value and a step"
                ) from None
    return found, False


def _in_database(path: Path) -> tuple[dict[str, str], list[Stored], list[str]]:
    experiments: dict[str, str] = {}
    runs: dict[str, Stored] = {}
    deleted = 0
    with opened(path) as database:
        for key, name in database.read("experiments", ["experiment_id", "name"]):
            experiments[str(key)] = str(name)
        columns = ["run_uuid", "experiment_id", "status", "lifecycle_stage"]
        for run, experiment, status, stage, name in database.read("runs", columns, ["name"]):
            if stage == "deleted":
                deleted += 1
                continue
            where = f"{path}: run {run}"
            runs[str(run)] = Stored(str(run), str(experiment), where, str(name or ""), str(status))
        for run, key, value in database.read("tags", ["run_uuid", "key", "value"]):
            if str(run) in runs and key == NAME_TAG and not runs[str(run)].name:
                runs[str(run)].name = str(value)
        for run, key, value in database.read("params", ["run_uuid", "key", "value"]):
            if str(run) in runs:
                runs[str(run)].params[str(key)] = value
        times: dict[tuple[str, str, int], float] = {}
        for run, key, value, step, when, nan in database.read(
            "metrics", ["run_uuid", "key", "value", "step", "timestamp"], ["is_nan"]
        ):
            if str(run) not in runs:
                continue
            stored = runs[str(run)]
            number = _number(value, nan)
            if number is None or not isinstance(step, int) or step < 0:
                stored.flaw = f"{stored.where}: metric '{key}' has the value {value!r} at {step!r}"
                continue
            place = (str(run), str(key), step)
            late = float(when) if isinstance(when, int | float) else 0.0
            values = stored.metrics.setdefault(str(key), ByStep())
            latest = number if late >= times.get(place, -math.inf) else values[step]
            times[place] = max(late, times.get(place, -math.inf))
            values[step] = number  # seen, also where it is not the latest
            values[step] = latest
    notes = unwritten(path)
    if deleted:
        notes.append(f"Runs that were deleted in MLflow, and are left out: {deleted}.")
    return experiments, [*runs.values()], notes


def _number(value: Any, nan: Any) -> float | None:
    if nan in (1, True, "1"):
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.copysign(math.inf, value) if abs(value) >= INFINITE else float(value)
