"""Pack files: the numbers of a job's trials, which the job declares as its output.

A netCDF file costs time for every variable and little for their size, so a pack file has few, large
variables: `metrics` and `series` hold what `study.nc` has as separate variables. Its format is
netCDF's classic one, which is read in less than half the time of the HDF5 one: a study may have ten
thousand such files. Texts are UTF-8 bytes, padded with zeros to the longest one. An empty array has
no variable, because no dimension of that format can be empty.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import netCDF4
import numpy as np

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import atomic, write_atomically
from tuning_playbook.trials.record import Curves, GradientSummary, Status, TrialRecord

NETCDF: Final = "NETCDF3_64BIT_DATA"

FORMAT = 2
"""The format of pack files, in each one's attribute `format`. In format 1 a trial's metrics were by
split, and its row included the measurements of its best checkpoint."""

Column = tuple[tuple[str, ...], np.ndarray]
"""A variable: its dimensions and its values."""


def write_pack(path: Path, records: Mapping[str, TrialRecord]) -> None:
    """Write the records of some trials, whole or not at all; the bytes depend only on the records.

    A pack may hold no trial: the reruns of an arm without a feasible trial.

    Args:
        path: The file.
        records: By the ids of the trials; all have the same metrics.
    """
    with atomic(path) as temporary, netCDF4.Dataset(temporary, "w", format=NETCDF) as file:
        file.setncattr("format", np.int32(FORMAT))
        for name, (axes, array) in _columns(records).items():
            for axis, size in zip(axes, array.shape, strict=True):
                if axis not in file.dimensions:
                    file.createDimension(axis, size)
            file.createVariable(name, array.dtype, axes)[:] = array


def write_numbers(path: Path, records: Mapping[str, TrialRecord]) -> None:
    """Write records as a NumPy archive of a pack's columns, in a quarter of the time.

    Args:
        path: The file.
        records: As for `write_pack`.
    """
    columns = {name: array for name, (_, array) in _columns(records).items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, format=np.int32(FORMAT), **columns)
    write_atomically(path, buffer.getvalue())


def read_numbers(path: Path) -> dict[str, TrialRecord]:
    """Return the records that `write_numbers` wrote.

    Raises:
        ArtefactError: They cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in arrays if name != "format"}
            return _records(columns) if columns else {}
    except (OSError, LookupError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{path}: it cannot be read ({error})") from error


def read_pack(path: Path) -> dict[str, TrialRecord]:
    """Return the records in a pack file, by the ids of the trials.

    Raises:
        ArtefactError: It is not a pack file.
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            columns = {name: variable[:] for name, variable in file.variables.items()}
            version = int(getattr(file, "format", 1))
    except (OSError, RuntimeError) as error:
        raise _not_a_pack(path, error) from error
    if not columns:
        return {}
    try:
        return _records(columns) if version == FORMAT else _records_of_format_1(columns)
    except (LookupError, ValueError, TypeError) as error:
        raise _not_a_pack(path, error) from error


def _not_a_pack(path: Path, error: Exception) -> ArtefactError:
    return ArtefactError(f"{path}: not a pack file ({error}); remove it and run snakemake again")


def _columns(records: Mapping[str, TrialRecord]) -> dict[str, Column]:
    """Return the file's variables with their dimensions: texts as bytes, and none is empty."""
    columns: dict[str, Column] = {}
    for name, (dimensions, values) in _variables(records).items():
        text = values.dtype.kind == "U"
        array = _bytes(values) if text else values
        if array.size:
            columns[name] = ((*dimensions, f"{name}_bytes") if text else dimensions, array)
    return columns


def _variables(records: Mapping[str, TrialRecord]) -> dict[str, Column]:
    """Return the variables of a pack file, each with its dimensions; none if it has no trial."""
    if not records:
        return {}
    listed = list(records.values())
    gradients = [record.gradient or GradientSummary((), np.nan, np.nan) for record in listed]
    texts = {
        "trial": list(records),
        "status": [record.status for record in listed],
        "infeasible_reason": [record.reason for record in listed],
        "fingerprint": [record.fingerprint for record in listed],
    }
    return {
        **{name: (("trial",), np.array(values)) for name, values in texts.items()},
        **_curves("metrics", "metric", "eval_step", [record.evaluations for record in listed]),
        **_curves("series", "name", "train_step", [record.logged for record in listed]),
        "grad_norm_p90": (("trial",), np.array([item.p90 for item in gradients])),
        "clipped_share": (("trial",), np.array([item.clipped_share for item in gradients])),
        "grad_norm_count": (
            ("trial", "grad_norm_bin"),
            np.stack([np.asarray(item.counts, np.int64) for item in gradients]),
        ),
    }


def _curves(name: str, axis: str, steps: str, curves: Sequence[Curves]) -> dict[str, Column]:
    """Return the curves of some trials as one array, with the steps of the measurements.

    If each trial's steps are the first steps of the longest trial's, as in trials of the engine,
    the steps are stored once; otherwise each trial has its own.
    """
    own = [np.asarray(item.steps, np.int64) for item in curves]
    longest = max(own, key=len)
    names, size = list(curves[0].values), len(longest)
    shared = all(np.array_equal(item, longest[: len(item)]) for item in own)
    placed = longest if shared else np.stack([_padded(item, size, -1) for item in own])
    values = [[_padded(np.asarray(c.values[n]), size, np.nan) for n in names] for c in curves]
    return {
        axis: ((axis,), np.array(names)),
        steps: ((steps,) if shared else ("trial", steps), placed),
        f"{name}_count": (("trial",), np.array([len(item) for item in own], np.int64)),
        name: (("trial", axis, steps), np.array(values)),
    }


def _padded(array: np.ndarray, size: int, filling: float) -> np.ndarray:
    return np.concatenate([array, np.full(size - len(array), filling, array.dtype)])


def _records(columns: Mapping[str, Any]) -> dict[str, TrialRecord]:
    trials, statuses, fingerprints = (
        _texts(columns[name]) for name in ("trial", "status", "fingerprint")
    )
    reasons = columns.get("infeasible_reason")
    infeasible = [""] * len(trials) if reasons is None else _texts(reasons)
    evaluations = _read_curves(columns, "metrics", "metric", "eval_step", len(trials))
    logged = _read_curves(columns, "series", "name", "train_step", len(trials))
    counts = columns.get("grad_norm_count")
    return {
        trial: TrialRecord(
            fingerprint=fingerprints[row],
            status=cast("Status", statuses[row]),
            reason=infeasible[row],
            evaluations=evaluations[row],
            logged=logged[row],
            gradient=None if counts is None else _gradient(columns, row),
        )
        for row, trial in enumerate(trials)
    }


def _read_curves(
    columns: Mapping[str, Any], name: str, axis: str, steps: str, trials: int
) -> list[Curves]:
    if name not in columns:
        return [Curves((), {})] * trials
    names, placed, lengths = _texts(columns[axis]), columns[steps], columns[f"{name}_count"]
    curves = []
    for row, (length, rows) in enumerate(zip(lengths.tolist(), columns[name], strict=True)):
        own = placed if placed.ndim == 1 else placed[row]
        values = dict(zip(names, rows[:, :length], strict=True))
        curves.append(Curves(own[:length], values))
    return curves


def _gradient(columns: Mapping[str, Any], row: int) -> GradientSummary:
    return GradientSummary(
        counts=columns["grad_norm_count"][row],
        p90=float(columns["grad_norm_p90"][row]),
        clipped_share=float(columns["clipped_share"][row]),
    )


def _records_of_format_1(columns: Mapping[str, Any]) -> dict[str, TrialRecord]:
    """Return the records of a pack of format 1: [trial, metric, eval_step, split], of one length.

    It does not contain each trial's length: all are as long as the longest.
    """
    metrics, splits = _texts(columns["metric"]), _texts(columns["split"])
    by_split = np.moveaxis(columns["metrics"], 3, 2)
    trials, evaluations = len(columns["trial"]), len(columns["eval_step"])
    names = [f"{split}/{metric}" for metric in metrics for split in splits]
    encoded = _bytes(np.array(names))
    return _records(
        {
            **columns,
            "metric": encoded,
            "metrics": by_split.reshape(trials, len(names), evaluations),
            "metrics_count": np.full(trials, evaluations),
            "series_count": np.full(trials, len(columns["train_step"])),
        }
    )


def _bytes(texts: np.ndarray) -> np.ndarray:
    """Return texts as [texts, bytes], one byte each."""
    encoded = np.char.encode(texts, "utf-8")
    return encoded.view("S1").reshape(len(texts), -1)


def _texts(characters: np.ndarray) -> list[str]:
    """Return the texts that `_bytes` wrote."""
    length = characters.shape[1]
    return [item.decode() for item in characters.reshape(-1).view(f"S{length}").tolist()]
