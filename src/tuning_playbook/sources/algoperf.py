"""Finished trials as the AlgoPerf benchmark logs them, in folders `study_<number>/trial_<number>`.

Each holds `hparams.json`, `eval_measurements.csv` and, where they were kept, `measurements.csv` and
`flags_0.json`. The studies of AlgoPerf are repeats on other seeds. The number of a study is none:
every trial may draw its own, and the flags alone tell it.

Source: https://github.com/mlcommons/algorithmic-efficiency.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import NAME, Value
from tuning_playbook.errors import SourceError
from tuning_playbook.sources.measurements import (
    Steps,
    record_of,
    split_of,
)
from tuning_playbook.sources.seeds import told_apart
from tuning_playbook.sources.table import LARGEST, read_table
from tuning_playbook.trials.imported_trial import ImportedTrial

FOLDER = re.compile(r"(?:study|trial)_(\d+)")

LOGGED_AS = {"loss": "train_loss", "grad_norm": "grad_norm"}
"""The dataset's names of what `measurements.csv` logs every hundred steps."""

FLAGS = "flags_*.json"
"""One file of the runner's flags for each time that a trial was begun or resumed."""

SEED = "rng_seed"

NO_METRIC = "num_examples"
"""A column of every split that counts what the metrics are means of."""


def read_algoperf(
    folder: Path, workload: str, column: str, objective: str, rename: Mapping[str, str]
) -> tuple[ImportedTrial, ...]:
    """Return the trials in a folder: trial by trial, and of each its studies in order.

    Args:
        folder: It holds `study_<number>/trial_<number>`, or the same with a folder of the workload
            between the two.
        workload: The spec's.
        column: The logged column that is the objective's metric.
        objective: The objective's metric, whose name that column takes.
        rename: Names here of hyperparameters.

    Raises:
        SourceError: There are none, or a file cannot be read.
    """
    places = _places(folder, workload)
    paths = [places[key] for key in sorted(places)]
    told = [_read_seed(path) for path in paths]
    return tuple(
        replace(
            _read_trial(path, folder, seed, column, objective, rename), seed_told=known is not None
        )
        for path, seed, known in zip(paths, told_apart(told), told, strict=True)
    )


def hyperparameters_logged(folder: Path, workload: str) -> list[Collection[str]]:
    """Return the names of the hyperparameters of each trial, as they are logged.

    Raises:
        SourceError: There are no trials, or a file cannot be read.
    """
    places = _places(folder, workload)
    return [_read_object(path / "hparams.json").keys() for path in places.values()]


def _places(folder: Path, workload: str) -> dict[tuple[int, int], Path]:
    """Return the folder of each trial, by the numbers of the trial and of the study."""
    deeper = [path for path in folder.glob("study_*/*/trial_*") if path.parent.name == workload]
    places: dict[tuple[int, int], Path] = {}
    for path in sorted([*folder.glob("study_*/trial_*"), *deeper]):
        study = FOLDER.fullmatch(path.relative_to(folder).parts[0])
        trial = FOLDER.fullmatch(path.name)
        if study and trial and path.is_dir():
            places[int(trial[1]), int(study[1])] = path
    if not places:
        raise SourceError(
            f"{folder}: there are no folders study_<number>/trial_<number>; give the folder that "
            "holds AlgoPerf's logs of one workload"
        )
    return places


def _read_trial(
    path: Path, folder: Path, seed: int, column: str, objective: str, rename: Mapping[str, str]
) -> ImportedTrial:
    steps: Steps = {}
    table = read_table(path / "eval_measurements.csv", ["global_step", column])
    names = {
        name: objective if name == column else name
        for name in table.columns
        if split_of(name) in ("train", "validation")
        and not name.endswith(f"/{NO_METRIC}")
        and (name != objective or name == column)
    }
    for row in table.rows:
        # A run that was resumed logs a step again, and goes on from there.
        values = {target: row.real(name) for name, target in names.items()}
        steps[row.whole("global_step")] = {k: v for k, v in values.items() if v is not None}
    return ImportedTrial(
        name=path.relative_to(folder).as_posix(),
        study=path.relative_to(folder).parts[0],
        where=str(path),
        seed=seed,
        hyperparameters=_read_hyperparameters(path / "hparams.json", rename),
        record=record_of(steps, _read_log(path / "measurements.csv"), objective),
    )


def _read_log(path: Path) -> Steps:
    if not path.exists():
        return {}
    table = read_table(path, ["global_step"])
    steps: Steps = {}
    for row in table.rows:
        values = {LOGGED_AS[name]: row.real(name) for name in table.columns if name in LOGGED_AS}
        if logged := {name: value for name, value in values.items() if value is not None}:
            steps[row.whole("global_step")] = logged
    return steps


def _read_seed(path: Path) -> int | None:
    """Return the seed of a trial; None where its flags do not tell it.

    The runner draws one from the hardware where the flag is not given, or 0, and logs that nowhere;
    and a trial that was resumed with another seed has no single one.
    """
    told = {_seed_in(flags) for flags in sorted(path.glob(FLAGS))}
    seed = told.pop() if len(told) == 1 else None
    return seed or None


def _seed_in(path: Path) -> int | None:
    content = _read_object(path)
    seed = content.get(SEED)
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST:
        raise SourceError(
            f"{path}: '{SEED}' must be a whole number from 0 to {LARGEST}, not {seed!r}"
        )
    return seed


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: it cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise SourceError(f"{path}: it must hold names with values, not {content!r}")
    return content


def _read_hyperparameters(path: Path, rename: Mapping[str, str]) -> dict[str, Value]:
    content = {rename.get(name, name): value for name, value in _read_object(path).items()}
    for name, value in content.items():
        if not NAME.fullmatch(name):
            raise SourceError(
                f"{path}: '{name}' is no name of a hyperparameter: those are lower-case letters, "
                "digits and underscores; give it another under 'source.rename'"
            )
        scalar = isinstance(value, bool | int | float | str | None)
        finite = not isinstance(value, float) or math.isfinite(value)
        if not (scalar and finite) or (isinstance(value, int) and abs(value) > LARGEST):
            raise SourceError(
                f"{path}: '{name}' must be a finite number, a text or a truth value, not {value!r}"
            )
    return {name: value for name, value in content.items() if value is not None}
