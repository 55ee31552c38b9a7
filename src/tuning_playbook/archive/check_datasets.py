"""Check that the datasets of an unpacked archive follow from its packs and its trials."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.archive import format_1
from tuning_playbook.archive.same_content import same_values
from tuning_playbook.dataset.best_checkpoints import checkpoint_steps
from tuning_playbook.dataset.feasibility import with_those_that_got_nowhere
from tuning_playbook.dataset.outcome import collapse_variables, objective_variables
from tuning_playbook.dataset.own_steps import at_steps
from tuning_playbook.dataset.rows import Axes
from tuning_playbook.declarations import ONE_MINUS, spec_name, target_of
from tuning_playbook.trials.best_checkpoint import read_best
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.record import TrialRecord


def check_dataset(
    results: Path,
    name: str,
    packed: Mapping[str, TrialRecord],
    records: Mapping[str, Mapping[str, Any]],
    packs: Sequence[Path] = (),
) -> Iterator[str]:
    """Yield how a dataset differs from the packs and the trials that it was collected from.

    Args:
        results: The folder of results.
        name: The dataset's file.
        packed: The numbers of every trial in a pack, by id.
        records: The trial.json of every trial, by id.
        packs: The pack files, for an archive of format 1.
    """
    with xr.open_dataset(results / name) as dataset:
        ids = [str(trial) for trial in dataset["trial"].to_numpy()]
        absent = [trial for trial in ids if trial not in packed or trial not in records]
        for trial in absent:
            yield f"{name}: trial {trial} is in no pack, or has no record"
        if absent or not ids:
            return
        trials = [packed[trial] for trial in ids]
        expected = _expected(dataset, ids, trials, records)
        if packs:
            bests = format_1.best_checkpoints(packs)
            expected |= format_1.expected_of_the_best(dataset, [bests[trial] for trial in ids])
        for variable, values in expected.items():
            if variable not in dataset or not same_values(dataset[variable].to_numpy(), values):
                yield f"{name}: {variable} does not follow from the packs"
        measured = _measured(dataset)
        for variable in sorted(measured - expected.keys()):
            yield f"{name}: {variable} is in no pack"
        yield from _check_configurations(name, dataset, ids, records)
    for trial in ids:
        told = (records[trial]["fingerprint"], records[trial]["status"])
        if (packed[trial].fingerprint, packed[trial].status) != told:
            yield f"{name}: the pack of trial {trial} is of another training than its record"


def check_checkpoints(results: Path, records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield how `checkpoints.nc` differs from the measurements of each best checkpoint.

    Args:
        results: The folder of results.
        records: The trial.json of every trial, by id.
    """
    with (
        xr.open_dataset(results / "study.nc") as study,
        xr.open_dataset(results / "checkpoints.nc") as dataset,
    ):
        ids = [str(trial) for trial in study["trial"].to_numpy()]
        if [str(trial) for trial in dataset["trial"].to_numpy()] != ids:
            yield "checkpoints.nc: its trials are not those of study.nc"
            return
        attributes = study.attrs
        selection = CheckpointSelection(
            attributes["objective_metric"], attributes["objective_mode"], study.sizes["rank"]
        )
        steps = checkpoint_steps(study).tolist()
        kept = dataset["kept"].to_numpy().tolist()
        for trial, step, is_kept in zip(ids, steps, kept, strict=True):
            if is_kept and step not in records[trial]["kept_steps"]:
                yield f"checkpoints.nc: trial {trial} kept no checkpoint of step {step}"
        bests = [read_best(results / "trials" / trial, selection) for trial in ids]
        for name in map(str, dataset.data_vars):
            for row, best in enumerate(bests):
                if best is None or best.step != steps[row] or name == "kept":
                    continue
                value = dataset[name].to_numpy()[row]
                if not kept[row] and not np.nan_to_num(value).any():
                    continue  # it was trained again for its model after the dataset was collected
                if name.startswith("whole_"):
                    told: Any = best.means[name.removeprefix("whole_")]
                elif name.startswith("sample_error_"):
                    told = best.sample_error[name.removeprefix("sample_error_")]
                else:
                    told = getattr(best, name)
                if not same_values(np.asarray(value), np.asarray(told)):
                    yield f"checkpoints.nc: {name} of trial {ids[row]} is not what was measured"


def _expected(
    dataset: xr.Dataset,
    ids: Sequence[str],
    trials: Sequence[TrialRecord],
    records: Mapping[str, Mapping[str, Any]],
) -> dict[str, np.ndarray]:
    """Return the expected variables of a dataset."""
    windows = dataset.sizes["train_step"]
    axes = Axes(
        dataset["eval_step"].to_numpy(),
        dataset["train_step"].to_numpy(),
        tuple(map(str, dataset["split"].to_numpy())),
    )
    names = dict.fromkeys(column.partition("/")[2] for column in trials[0].evaluations.values)

    def measured(trial: TrialRecord, name: str) -> np.ndarray:
        columns = [trial.evaluations.values[f"{split}/{name}"] for split in axes.split]
        steps = trial.evaluations.steps
        placed = [at_steps(np.asarray(column), steps, axes.eval_step) for column in columns]
        return np.stack(placed, axis=1)

    metrics = {name: np.stack([measured(trial, name) for trial in trials]) for name in names}
    series = {
        name: np.stack([_sized(trial.logged.values[name], windows) for trial in trials])
        for name in trials[0].logged.values
    }
    metric, mode = dataset.attrs["objective_metric"], dataset.attrs["objective_mode"]
    judged, collapse = trials, {}
    if "collapse_step" in dataset:  # older archives have neither variable
        judged = with_those_that_got_nowhere(trials, metrics, axes, metric, mode)
        collapse = collapse_variables(metrics, axes, judged, metric, mode)
    target = dataset.attrs.get("objective_target")
    objective = objective_variables(
        metrics, axes, judged, metric, mode, dataset.sizes["rank"], target
    )
    configured = [records[trial]["trial"] for trial in ids]
    gradients = [trial.gradient for trial in trials if trial.gradient is not None]
    return {
        **metrics,
        **series,
        **{name: values for name, (_, values, _) in (objective | collapse).items()},
        "status": np.array([trial.status for trial in judged]),
        "infeasible_reason": np.array([trial.reason for trial in judged]),
        "fingerprint": np.array([trial.fingerprint for trial in trials]),
        "grad_norm_count": np.array([gradient.counts for gradient in gradients]),
        "grad_norm_p90": np.array([gradient.p90 for gradient in gradients]),
        "clipped_share": np.array([gradient.clipped_share for gradient in gradients]),
        "seed": np.array([trial["seed"] for trial in configured]),
        "max_train_steps": np.array([trial["max_train_steps"] for trial in configured]),
        "index": np.arange(len(ids)),
    }


def _measured(dataset: xr.Dataset) -> set[str]:
    """Return the names of the variables with training's measurements."""
    dimensions = {"eval_step", "train_step", "grad_norm_bin", "class"}
    return {
        str(name)
        for name, variable in dataset.data_vars.items()
        if dimensions & set(variable.dims) or str(name).startswith(("whole_", "sample_error_"))
    }


def _check_configurations(
    name: str,
    dataset: xr.Dataset,
    ids: Sequence[str],
    records: Mapping[str, Mapping[str, Any]],
) -> Iterator[str]:
    """Yield the hyperparameters whose values differ from those the trials were trained with."""
    for variable in (str(item) for item in dataset if str(item).startswith("hp_")):
        hyperparameter = variable.removeprefix("hp_")
        for trial, value in zip(ids, dataset[variable].to_numpy().tolist(), strict=True):
            configured = records[trial]["trial"]
            known = {**configured["hyperparameters"], "batch_size": configured["batch_size"]}
            if value == "" or (isinstance(value, float) and math.isnan(value)):  # there is none
                agrees = hyperparameter not in known
            elif hyperparameter in known:
                agrees = _text(value) == _text(known[hyperparameter])
            else:
                agrees = _sets(hyperparameter, value, known)
            if not agrees:
                yield f"{name}: {variable} is not what trial {trial} was trained with"


def _sets(searched: str, value: Any, known: Mapping[str, Any]) -> bool:
    """Return whether a searched value matches what a trial was trained with."""
    name = spec_name(searched)
    if not name.startswith(ONE_MINUS):
        return name in known and _text(value) == _text(known[name])
    target = known.get(target_of(searched))
    return target is not None and bool(np.isclose(1.0 - value, target, rtol=1e-9))


def _sized(values: Any, size: int) -> np.ndarray:
    array = np.asarray(values)[:size]
    return np.concatenate([array, np.full(size - len(array), np.nan, array.dtype)])


def _text(value: object) -> str:
    """Return a value as text like the dataset's, where a whole number may have become a float."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(float(value)) if isinstance(value, int | float) else str(value)
