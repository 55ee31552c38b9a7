"""Archives of format 1: their differences, so that they can still be verified and imported.

In them, each trial had its numbers in a file of its own beside those in its pack, its objective was
part of its fingerprint, and the measurements of its best checkpoint were in the packs and in
`study.nc`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from tuning_playbook.trials.best_checkpoint import BestCheckpoint
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.trial import Trial, trial_from_json

NUMBERS = "metrics.npz"

NOW_ELSEWHERE = ("keep_best", "objective")
"""Keys in a trial's record that affect none of its numbers."""


def trial_of(content: Mapping[str, Any]) -> Trial:
    """Return the trial of a trial.json, which did not record the program's arguments."""
    kept = {name: value for name, value in content.items() if name not in NOW_ELSEWHERE}
    return trial_from_json({**kept, "traced": ()})


def check_numbers(
    results: Path, name: str, record: Mapping[str, Any], packed: TrialRecord | None
) -> Iterator[str]:
    """Yield how the own numbers of a trial differ from its record and from its pack."""
    place = f"trials/{name}/{NUMBERS}"
    path = results / place
    if not path.is_file():
        yield f"{place}: it is missing"
        return
    if hashlib.sha256(path.read_bytes()).hexdigest() != record["metrics_sha256"]:
        yield f"{place}: it is not what trial.json recorded"
        return
    if packed is None:
        return
    with np.load(path, allow_pickle=False) as arrays:
        own = {key: arrays[key] for key in arrays if key.startswith(("metric/", "series/"))}
        splits = [str(split) for split in arrays["splits"]]
    for key, values in own.items():
        kind, _, metric = key.partition("/")
        if kind == "series":
            pairs = [(values, packed.logged.values[metric])]
        else:
            columns = [packed.evaluations.values[f"{split}/{metric}"] for split in splits]
            pairs = [(values[:, n], column) for n, column in enumerate(columns)]
        if not all(np.array_equal(a, b[: len(a)], equal_nan=True) for a, b in pairs):
            yield f"trials/{name}: {metric} in its pack is not that of its record"


def best_checkpoints(packs: Sequence[Path]) -> dict[str, BestCheckpoint]:
    """Return the best checkpoint of each trial in the packs, by id, without its step."""
    found = {}
    for path in packs:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            columns = {name: variable[:] for name, variable in file.variables.items()}
        if not columns:
            continue
        metrics = _texts(columns["metric"])
        nothing = np.empty((len(columns["trial"]), 0), np.int64)
        for row, trial in enumerate(_texts(columns["trial"])):
            found[trial] = BestCheckpoint(
                step=-1,
                means=dict(zip(metrics, columns["whole"][row].tolist(), strict=True)),
                sample_error=dict(zip(metrics, columns["sample_error"][row].tolist(), strict=True)),
                class_right=columns.get("class_right", nothing)[row].tolist(),
                class_examples=columns.get("class_examples", nothing)[row].tolist(),
            )
    return found


def expected_of_the_best(dataset: Any, bests: Sequence[BestCheckpoint]) -> dict[str, np.ndarray]:
    """Return the expected variables of a dataset that are about best checkpoints."""
    expected: dict[str, np.ndarray] = {}
    for name in map(str, dataset.data_vars):
        if name.startswith("whole_"):
            metric = name.removeprefix("whole_")
            expected[name] = np.array([best.means[metric] for best in bests])
        if name.startswith("sample_error_"):
            metric = name.removeprefix("sample_error_")
            expected[name] = np.array([best.sample_error[metric] for best in bests])
        if name in ("class_right", "class_examples"):
            classes = dataset[name].shape[1]
            counts = [getattr(best, name) for best in bests]
            expected[name] = np.stack([np.pad(c, (0, classes - len(c))) for c in counts])
    return expected


def _texts(characters: np.ndarray) -> list[str]:
    length = characters.shape[1]
    return [item.decode() for item in characters.reshape(-1).view(f"S{length}").tolist()]
