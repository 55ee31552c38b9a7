"""Trials in a storage of Optuna: an SQLite file, or a journal file of JSON lines.

A trial that was pruned is one that was stopped early: what it reported until then counts. A trial
that still runs or waits is none yet.

Source: https://github.com/optuna/optuna, `optuna/storages/_rdb/models.py` and
`optuna/storages/journal/_storage.py`.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SourceError, nearest
from tuning_playbook.sources.by_step import ByStep
from tuning_playbook.sources.foreign_files import check_size, lines_of, open_text, parse_json
from tuning_playbook.sources.runs import END, SEED, Logs, Run, listed
from tuning_playbook.sources.sqlite_tables import MAGIC, Database, opened, unwritten
from tuning_playbook.sources.table import Cell
from tuning_playbook.study.distributions import Distribution, Kind
from tuning_playbook.trials.record import Status

STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
"""By their numbers in a journal."""

FINISHED = ("COMPLETE", "PRUNED", "FAIL")

DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")

CREATE_STUDY, DELETE_STUDY = 0, 1
CREATE_TRIAL, SET_PARAM, SET_STATE, SET_INTERMEDIATE, SET_ATTRIBUTE = 4, 5, 6, 7, 8
"""Operations of a journal."""

ONE_VALUE = 1e-6
"""Relative: what a trial reports is often in float32, and what it returns is not."""

NOT_FINITE = {"NAN": math.nan, "INF_POS": math.inf, "INF_NEG": -math.inf}


@dataclass
class Stored:
    """A trial as the storage has it, while it is gathered."""

    where: str
    number: int
    state: str = "RUNNING"
    value: float | None = None
    params: dict[str, Cell] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)
    reported: ByStep = field(default_factory=ByStep)
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class StoredStudy:
    """A study as the storage has it, while it is gathered."""

    name: str
    directions: list[str]
    trials: list[Stored] = field(default_factory=list)


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
    found = _chosen(path, _in_database(path) if database else _in_journal(path), study)
    notes = unwritten(path) if database else []
    _check_direction(path, found, mode)
    runs: list[Run] = []
    unread: list[str] = []
    unfinished: list[str] = []
    ranges: dict[str, Distribution | None] = {}
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
                given = _distribution(text, f"{trial.where}, parameter '{parameter}'")
                if ranges.setdefault(parameter, given) != given:
                    ranges[parameter] = None
    if unfinished:
        notes.append(f"Not finished, and left out: {listed(unfinished)}.")
    if beside:
        notes.append(
            f"The value that a trial returned was none that it had reported, and stands one step "
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


def _in_database(path: Path) -> list[StoredStudy]:
    with opened(path) as database:
        studies = {
            key: StoredStudy(str(name), [])
            for key, name in database.read("studies", ["study_id", "study_name"])
        }
        for key, direction in _directions(database):
            if key in studies:
                studies[key].directions.append(str(direction))
        trials: dict[Any, Stored] = {}
        for key, study, state, number, value in database.read(
            "trials", ["trial_id", "study_id", "state"], ["number", "value"]
        ):
            if study in studies:
                count = number if isinstance(number, int) else len(studies[study].trials)
                trial = Stored(f"{path}: trial {count}", count, str(state), _real(value))
                studies[study].trials.append(trial)
                trials[key] = trial
        _read_params(database, trials)
        _read_values(database, trials)
        return [*studies.values()]


def _directions(database: Database) -> list[tuple[Any, ...]]:
    if "study_directions" in database.tables:
        return [*database.read("study_directions", ["study_id", "direction"])]
    return [*database.read("studies", ["study_id", "direction"])]  # before version 2.4


def _read_params(database: Database, trials: Mapping[Any, Stored]) -> None:
    columns = ["trial_id", "param_name", "param_value", "distribution_json"]
    for key, name, value, text in database.read("trial_params", columns):
        if key in trials:
            trial = trials[key]
            where = f"{trial.where}, parameter '{name}'"
            trial.params[str(name)] = _external(value, str(text), where)
            trial.distributions[str(name)] = str(text)
    for key, name, text in database.read(
        "trial_user_attributes", ["trial_id", "key", "value_json"]
    ):
        if key in trials:
            where = f"{trials[key].where}, attribute '{name}'"
            trials[key].attributes[str(name)] = parse_json(str(text), where)


def _read_values(database: Database, trials: Mapping[Any, Stored]) -> None:
    """Read what trials returned and reported; before version 2.4 the one table held the other."""
    newer = "trial_intermediate_values" in database.tables
    if newer:
        for key, value, kind in database.read(
            "trial_values", ["trial_id", "value"], ["value_type"]
        ):
            if key in trials:
                trials[key].value = NOT_FINITE.get(str(kind), _real(value))
    table, column = (
        ("trial_intermediate_values", "intermediate_value") if newer else ("trial_values", "value")
    )
    for key, step, value, kind in database.read(
        table, ["trial_id", "step", column], [f"{column}_type"]
    ):
        if key in trials and isinstance(step, int) and step >= 0:
            number = NOT_FINITE.get(str(kind), _real(value))
            # Before version 3 a value that was not a number was stored as none.
            trials[key].reported[step] = math.nan if number is None else number


def _in_journal(path: Path) -> list[StoredStudy]:
    studies: dict[int, StoredStudy] = {}
    trials: dict[int, Stored] = {}
    made = 0
    for where, content in _lines(path):
        try:
            if content["op_code"] == CREATE_STUDY:
                directions = [DIRECTIONS[int(item)] for item in content["directions"]]
                if content["study_name"] not in [item.name for item in studies.values()]:
                    studies[made] = StoredStudy(str(content["study_name"]), directions)
                    made += 1
            elif content["op_code"] == DELETE_STUDY:
                studies.pop(int(content["study_id"]), None)
            elif content["op_code"] == CREATE_TRIAL:
                _create(where, content, studies, trials)
            else:
                _change(content, trials, where)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise SourceError(
                f"{where}: it is no line of a journal of Optuna ({type(error).__name__}: {error})"
            ) from None
    return [*studies.values()]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the content of each line; a last one that was cut off is not there."""
    with open_text(path) as file:
        for number, line in enumerate(lines_of(file, path), 1):
            if not line.strip():
                continue
            where = f"{path}: row {number}"
            try:
                content = parse_json(line, where)
            except SourceError:
                if line.endswith("\n") or number == 1:
                    raise
                return
            if not isinstance(content, dict) or not isinstance(content.get("op_code"), int):
                raise SourceError(f"{where}: it is no line of a journal of Optuna")
            yield where, content


def _create(
    where: str,
    content: Mapping[str, Any],
    studies: Mapping[int, StoredStudy],
    trials: dict[int, Stored],
) -> None:
    study = studies.get(int(content["study_id"]))
    if study is None:  # it was deleted meanwhile
        return
    trial = Stored(where, len(study.trials))
    trials[len(trials)] = trial  # a trial's id is its place among those of all studies
    study.trials.append(trial)
    trial.state = STATES[int(content.get("state", 0))]
    values = content.get("values") or [content.get("value")]
    trial.value = _real(values[0])
    trial.distributions = {k: str(v) for k, v in (content.get("distributions") or {}).items()}
    for name, value in (content.get("params") or {}).items():
        there = f"{where}, parameter '{name}'"
        trial.params[name] = _external(value, trial.distributions[name], there)
    for step, value in (content.get("intermediate_values") or {}).items():
        trial.reported[_step(step)] = _number(value)
    trial.attributes = dict(content.get("user_attrs") or {})


def _change(content: Mapping[str, Any], trials: Mapping[int, Stored], where: str) -> None:
    code = content["op_code"]
    if code not in (SET_PARAM, SET_STATE, SET_INTERMEDIATE, SET_ATTRIBUTE):
        return
    trial = trials.get(int(content["trial_id"]))
    if trial is None or trial.state in FINISHED:
        return  # Optuna passes over what comes too late
    if code == SET_PARAM:
        name, text = str(content["param_name"]), str(content["distribution"])
        there = f"{where}, parameter '{name}'"
        trial.params[name] = _external(content["param_value_internal"], text, there)
        trial.distributions[name] = text
    elif code == SET_STATE:
        trial.state = STATES[int(content["state"])]
        if content.get("values"):
            trial.value = _real(content["values"][0])
    elif code == SET_INTERMEDIATE:
        trial.reported[_step(content["step"])] = _number(content["intermediate_value"])
    else:
        trial.attributes |= content["user_attr"]


def _external(value: Any, text: str, where: str) -> Cell:
    """Return a parameter's value, which a storage keeps as a number."""
    content = _attributes(text, where)
    number = _number(value)
    if "choices" in content[1]:
        choices = content[1]["choices"]
        if not isinstance(choices, list) or not 0 <= number < len(choices):
            raise SourceError(f"{where}: {number:g} is the place of none of its choices")
        choice = choices[int(number)]
        return choice if isinstance(choice, Value | None) else json.dumps(choice)
    whole = content[0].startswith("Int") or content[0] == "int"
    return int(number) if whole and math.isfinite(number) else number


def _attributes(text: str, where: str) -> tuple[str, dict[str, Any]]:
    """Return the class of a distribution and its attributes, from either form of its JSON."""
    content = parse_json(text, where)
    if isinstance(content, dict):
        name = content.get("name", content.get("type"))
        attributes = content.get("attributes", content)
        if isinstance(name, str) and isinstance(attributes, dict):
            return name, attributes
    raise SourceError(f"{where}: {text[:80]!r} is no distribution of Optuna")


def _distribution(text: str, where: str) -> Distribution | None:
    """Return what a parameter was drawn from; None where a spec cannot write that."""
    name, given = _attributes(text, where)
    if "choices" in given:
        choices = [item for item in given["choices"] if isinstance(item, Value)]
        whole = len(choices) == len(given["choices"]) > 1
        return Distribution("choice", choices=tuple(choices)) if whole else None
    try:
        low, high = float(given["low"]), float(given["high"])
    except (KeyError, TypeError, ValueError):
        raise SourceError(f"{where}: {text[:80]!r} is no distribution of Optuna") from None
    log = bool(given.get("log")) or "LogUniform" in name
    kind: Kind
    if name.startswith("Int") or name == "int":
        kind = "log_int_uniform" if log else "int_uniform"
    else:
        kind = "log_uniform" if log else "uniform"
    usable = math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not log)
    return Distribution(kind, low, high) if usable else None


def _step(value: Any) -> int:
    step = int(value)
    if step < 0:
        raise ValueError(f"the step {step} is below 0")
    return step


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
