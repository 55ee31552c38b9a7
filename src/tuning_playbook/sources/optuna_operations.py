"""The studies in a journal of Optuna, a line of JSON for each operation."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.errors import SourceError
from tuning_playbook.sources.foreign_files import lines_of, open_text, parse_json
from tuning_playbook.sources.optuna_stored import (
    Stored,
    StoredStudy,
    as_number,
    external_value,
    real_or_none,
)

STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
"""By their numbers in a journal."""

FINISHED = ("COMPLETE", "PRUNED", "FAIL")

DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")

CREATE_STUDY, DELETE_STUDY = 0, 1
CREATE_TRIAL, SET_PARAM, SET_STATE, SET_INTERMEDIATE, SET_ATTRIBUTE = 4, 5, 6, 7, 8
"""Operations of a journal."""


def studies_in_journal(path: Path) -> list[StoredStudy]:
    """Return the studies in a journal file."""
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
    trial.value = real_or_none(values[0])
    trial.distributions = {k: str(v) for k, v in (content.get("distributions") or {}).items()}
    for name, value in (content.get("params") or {}).items():
        there = f"{where}, parameter '{name}'"
        trial.params[name] = external_value(value, trial.distributions[name], there)
    for step, value in (content.get("intermediate_values") or {}).items():
        trial.reported[_step(step)] = as_number(value)
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
        trial.params[name] = external_value(content["param_value_internal"], text, there)
        trial.distributions[name] = text
    elif code == SET_STATE:
        trial.state = STATES[int(content["state"])]
        if content.get("values"):
            trial.value = real_or_none(content["values"][0])
    elif code == SET_INTERMEDIATE:
        trial.reported[_step(content["step"])] = as_number(content["intermediate_value"])
    else:
        trial.attributes |= content["user_attr"]


def _step(value: Any) -> int:
    step = int(value)
    if step < 0:
        raise ValueError(f"the step {step} is below 0")
    return step
