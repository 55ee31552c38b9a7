"""Check that the datasets of an unpacked archive follow from its packs and its trials."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.dataset.outcome import objective_variables
from tuning_playbook.dataset.pack_file import Axes, PackedTrial, padded, read_packs
from tuning_playbook.trials.result import read_result
from tuning_playbook.trials.trial import trial_from_json

ONE_MINUS = "one_minus_"
OF_THE_BEST = {"whole_": "whole", "sample_error_": "sample_error"}
"""What the names of variables begin with that say something of the best steps, by their packs'."""


def check_dataset(
    results: Path, name: str, packs: Sequence[Path], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield in what a dataset differs from the packs and the trials that it was collected from.

    Args:
        results: The folder of results.
        name: The dataset's file.
        packs: The pack files.
        records: The trial.json of every trial, by id.
    """
    packed = {key: trial for _, trials in read_packs(packs) for key, trial in trials.items()}
    with xr.open_dataset(results / name) as dataset:
        ids = [str(trial) for trial in dataset["trial"].to_numpy()]
        absent = [trial for trial in ids if trial not in packed or trial not in records]
        for trial in absent:
            yield f"{name}: trial {trial} is in no pack, or has no record"
        if absent or not ids:
            return
        trials = [packed[trial] for trial in ids]
        expected = _expected(dataset, ids, trials, records)
        for variable, values in expected.items():
            if variable not in dataset or not _same(dataset[variable].to_numpy(), values):
                yield f"{name}: {variable} does not follow from the packs"
        measured = _measured(dataset)
        for variable in sorted(measured - expected.keys()):
            yield f"{name}: {variable} is in no pack"
        yield from _check_configurations(name, dataset, ids, records)
    for trial in ids:
        yield from _check_numbers(results, name, packed[trial], records[trial])


def _expected(
    dataset: xr.Dataset,
    ids: Sequence[str],
    trials: Sequence[PackedTrial],
    records: Mapping[str, Mapping[str, Any]],
) -> dict[str, np.ndarray]:
    """Return what the variables of a dataset must be."""
    evaluations, windows = dataset.sizes["eval_step"], dataset.sizes["train_step"]
    metrics = {
        name: np.stack([_sized(trial.metrics[name], evaluations) for trial in trials])
        for name in trials[0].metrics
    }
    series = {
        name: np.stack([_sized(trial.series[name], windows) for trial in trials])
        for name in trials[0].series
    }
    axes = Axes(
        dataset["eval_step"].to_numpy(),
        dataset["train_step"].to_numpy(),
        tuple(map(str, dataset["split"].to_numpy())),
    )
    objective = objective_variables(
        metrics,
        axes,
        trials,
        dataset.attrs["objective_metric"],
        dataset.attrs["objective_mode"],
        dataset.sizes["rank"],
    )
    configured = [records[trial]["trial"] for trial in ids]
    return {
        **metrics,
        **series,
        **{name: values for name, (_, values, _) in objective.items()},
        "status": np.array([trial.status for trial in trials]),
        "infeasible_reason": np.array([trial.reason for trial in trials]),
        "fingerprint": np.array([trial.fingerprint for trial in trials]),
        "grad_norm_count": np.array([trial.gradient.counts for trial in trials]),
        "grad_norm_p90": np.array([trial.gradient.p90 for trial in trials]),
        "clipped_share": np.array([trial.gradient.clipped_share for trial in trials]),
        "seed": np.array([trial["seed"] for trial in configured]),
        "max_train_steps": np.array([trial["max_train_steps"] for trial in configured]),
        "index": np.arange(len(ids)),
        **{
            f"{prefix}{metric}": np.array([getattr(trial, of)[metric] for trial in trials])
            for prefix, of in OF_THE_BEST.items()
            for metric in trials[0].metrics
            if f"{prefix}{metric}" in dataset
        },
        **{
            name: np.stack([_counted(getattr(t, name), dataset[name].shape[1]) for t in trials])
            for name in ("class_right", "class_examples")
            if name in dataset
        },
    }


def _measured(dataset: xr.Dataset) -> set[str]:
    """Return the names of the variables that training measured."""
    dimensions = {"eval_step", "train_step", "grad_norm_bin", "class"}
    return {
        str(name)
        for name, variable in dataset.data_vars.items()
        if dimensions & set(variable.dims) or str(name).startswith(tuple(OF_THE_BEST))
    }


def _check_configurations(
    name: str,
    dataset: xr.Dataset,
    ids: Sequence[str],
    records: Mapping[str, Mapping[str, Any]],
) -> Iterator[str]:
    """Yield the hyperparameters whose values are not those that the trials were trained with."""
    for variable in (str(item) for item in dataset if str(item).startswith("hp_")):
        hyperparameter = variable.removeprefix("hp_")
        for trial, value in zip(ids, dataset[variable].to_numpy().tolist(), strict=True):
            configured = records[trial]["trial"]
            known = {**configured["hyperparameters"], "batch_size": configured["batch_size"]}
            if value == "" or (isinstance(value, float) and math.isnan(value)):  # has none
                agrees = hyperparameter not in known
            elif hyperparameter in known:
                agrees = _text(value) == _text(known[hyperparameter])
            else:
                target = known.get(hyperparameter.removeprefix(ONE_MINUS))
                agrees = target is not None and np.isclose(1.0 - value, target, rtol=1e-9)
            if not agrees:
                yield f"{name}: {variable} is not what trial {trial} was trained with"


def _check_numbers(
    results: Path, name: str, packed: PackedTrial, record: Mapping[str, Any]
) -> Iterator[str]:
    """Yield in what a trial of a pack differs from the numbers in the trial's own folder."""
    trial = trial_from_json(record["trial"])
    if packed.fingerprint != record["fingerprint"] or packed.status != record["status"]:
        yield f"{name}: the pack of trial {trial.id} is of another training than its record"
    result = read_result(results / "trials" / trial.id, trial)
    if result is None:  # a failed trial has no numbers; a damaged one was told of already
        return
    for mine, theirs in ((result.metrics, packed.metrics), (result.series, packed.series)):
        for metric, values in mine.items():
            if not _same(padded(values, len(theirs[metric])), theirs[metric]):
                yield f"{name}: {metric} of trial {trial.id} in its pack is not that of its record"


def _sized(values: np.ndarray, size: int) -> np.ndarray:
    return padded(values[:size], size)


def _counted(counts: np.ndarray, classes: int) -> np.ndarray:
    return np.pad(counts, (0, classes - len(counts)))


def _same(values: np.ndarray, others: np.ndarray) -> bool:
    """Whether two arrays hold the same values, NaN where the other has NaN."""
    if values.dtype.kind in "OUT" or others.dtype.kind in "OUT":
        return bool(np.array_equal(values.astype(str), others.astype(str)))
    return np.array_equal(values, others, equal_nan=True)


def _text(value: object) -> str:
    """Write a value as a dataset holds it: a whole number may have become a float there."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(float(value)) if isinstance(value, int | float) else str(value)
