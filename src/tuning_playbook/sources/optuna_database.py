"""The studies in an SQLite storage of Optuna."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.sources.foreign_files import parse_json
from tuning_playbook.sources.optuna_stored import (
    Stored,
    StoredStudy,
    external_value,
    real_or_none,
)
from tuning_playbook.sources.sqlite_tables import Database, opened

NOT_FINITE = {"NAN": math.nan, "INF_POS": math.inf, "INF_NEG": -math.inf}


def studies_in_database(path: Path) -> list[StoredStudy]:
    """Return the studies in an SQLite file."""
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
                trial = Stored(f"{path}: trial {count}", count, str(state), real_or_none(value))
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
            trial.params[str(name)] = external_value(value, str(text), where)
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
                trials[key].value = NOT_FINITE.get(str(kind), real_or_none(value))
    table, column = (
        ("trial_intermediate_values", "intermediate_value") if newer else ("trial_values", "value")
    )
    for key, step, value, kind in database.read(
        table, ["trial_id", "step", column], [f"{column}_type"]
    ):
        if key in trials and isinstance(step, int) and step >= 0:
            number = NOT_FINITE.get(str(kind), real_or_none(value))
            # Before version 3 a value that was not a number was stored as none.
            trials[key].reported[step] = math.nan if number is None else number
