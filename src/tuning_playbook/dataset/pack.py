"""Pack files: what a training job declares as its output, the numbers of its trials.

A netCDF file costs time for every variable and little for their size, so a pack file has few, large
ones: `metrics` and `series` hold what `study.nc` has as variables of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import atomic
from tuning_playbook.training.records import TrialResult
from tuning_playbook.training.windows import GradientSummary


@dataclass(frozen=True)
class PackedTrial:
    """One trial of a pack file.

    Attributes:
        fingerprint: The trial's.
        status: How it ended.
        reason: Why it is infeasible; empty if it is not.
        metrics: By name, [evaluations, splits].
        series: By name, [windows].
        gradient: The gradient norms of the whole run.
        whole: Each metric at the best step on the whole validation split; NaN where there is none.
        class_right: Right predictions of each class there, [classes].
        class_examples: Examples of each class there, [classes].
    """

    fingerprint: str
    status: str
    reason: str
    metrics: Mapping[str, np.ndarray]
    series: Mapping[str, np.ndarray]
    gradient: GradientSummary
    whole: Mapping[str, float]
    class_right: np.ndarray
    class_examples: np.ndarray


@dataclass(frozen=True)
class Axes:
    """The coordinates of a pack: those of its longest trial, of which the others have the first."""

    eval_step: np.ndarray
    train_step: np.ndarray
    split: tuple[str, ...]


def write_pack(path: Path, results: Sequence[TrialResult]) -> None:
    """Write the results of a pack's trials, whole or not at all; the same ones give the same bytes.

    A pack may hold no trial: the reruns of an arm without a feasible trial.
    """
    with atomic(path) as temporary:
        pack_dataset(results).to_netcdf(temporary, engine="netcdf4")


def pack_dataset(results: Sequence[TrialResult]) -> xr.Dataset:
    """Return the contents of a pack file."""
    if not results:
        return xr.Dataset(coords={"trial": np.array([], dtype=str)})
    longest = max(results, key=lambda result: result.trial.max_train_steps)
    metrics, series = list(longest.metrics), list(longest.series)

    def stacked(trials: Iterable[Mapping[str, np.ndarray]], names: list[str], size: int) -> Any:
        return np.stack([np.stack([padded(t[name], size) for name in names]) for t in trials])

    return xr.Dataset(
        {
            "metrics": (
                ("trial", "metric", "eval_step", "split"),
                stacked((r.metrics for r in results), metrics, len(longest.eval_steps)),
            ),
            "series": (
                ("trial", "name", "train_step"),
                stacked((r.series for r in results), series, len(longest.train_steps)),
            ),
            "grad_norm_count": (
                ("trial", "grad_norm_bin"),
                np.stack([result.gradient.counts for result in results]),
            ),
            "grad_norm_p90": ("trial", [result.gradient.p90 for result in results]),
            "clipped_share": ("trial", [result.gradient.clipped_share for result in results]),
            "whole": (
                ("trial", "metric"),
                np.array([[r.whole.get(name, np.nan) for name in metrics] for r in results]),
            ),
            "class_right": (("trial", "class"), _counts(results, "class_right")),
            "class_examples": (("trial", "class"), _counts(results, "class_examples")),
            "status": ("trial", [result.status for result in results]),
            "infeasible_reason": ("trial", [result.reason for result in results]),
            "fingerprint": ("trial", [result.trial.fingerprint for result in results]),
        },
        coords={
            "trial": [result.trial.id for result in results],
            "metric": metrics,
            "name": series,
            "eval_step": longest.eval_steps,
            "train_step": longest.train_steps,
            "split": list(longest.splits),
        },
    )


def _counts(results: Sequence[TrialResult], name: str) -> np.ndarray:
    """Return counts over classes, zero for a trial that has none."""
    classes = max(len(getattr(result, name)) for result in results)
    counts = np.zeros((len(results), classes), np.int64)
    for row, result in enumerate(results):
        counts[row, : len(getattr(result, name))] = getattr(result, name)
    return counts


def padded(array: np.ndarray, size: int) -> np.ndarray:
    """Return an array of which the first axis is `size` long, NaN where it was shorter."""
    missing = np.full((size - len(array), *array.shape[1:]), np.nan, array.dtype)
    return np.concatenate([array, missing])


def read_packs(paths: Iterable[Path]) -> Iterator[tuple[Axes, dict[str, PackedTrial]]]:
    """Yield the trials of each pack file by id, with the coordinates that they share.

    Raises:
        ArtefactError: A file is not a pack file.
    """
    for path in paths:
        try:
            with netCDF4.Dataset(path) as file:
                file.set_auto_mask(False)
                if file.dimensions["trial"].size:
                    yield _read(file)
        except (OSError, KeyError, IndexError) as error:
            raise ArtefactError(
                f"{path}: not a pack file ({error}); remove it and run snakemake again"
            ) from error


def _read(file: netCDF4.Dataset) -> tuple[Axes, dict[str, PackedTrial]]:
    columns = {name: file[name][:] for name in file.variables}
    axes = Axes(columns["eval_step"], columns["train_step"], tuple(map(str, columns["split"])))
    metrics, series = (list(map(str, columns[name])) for name in ("metric", "name"))
    trials = {
        str(trial): PackedTrial(
            fingerprint=str(columns["fingerprint"][row]),
            status=str(columns["status"][row]),
            reason=str(columns["infeasible_reason"][row]),
            metrics=dict(zip(metrics, columns["metrics"][row], strict=True)),
            series=dict(zip(series, columns["series"][row], strict=True)),
            gradient=GradientSummary(
                counts=columns["grad_norm_count"][row],
                p90=float(columns["grad_norm_p90"][row]),
                clipped_share=float(columns["clipped_share"][row]),
            ),
            whole=dict(zip(metrics, columns["whole"][row].tolist(), strict=True)),
            class_right=columns["class_right"][row],
            class_examples=columns["class_examples"][row],
        )
        for row, trial in enumerate(columns["trial"])
    }
    return axes, trials
