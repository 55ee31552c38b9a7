"""Pack files: what a training job declares as its output, the numbers of its trials.

A netCDF file costs time for every variable and little for their size, so a pack file has few, large
ones: `metrics` and `series` hold what `study.nc` has as variables of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import atomic
from tuning_playbook.training.records import TrialResult


@dataclass(frozen=True)
class PackedTrial:
    """One trial of a pack file.

    Attributes:
        fingerprint: The trial's.
        status: How it ended.
        reason: Why it is infeasible; empty if it is not.
        metrics: By name, [evaluations, splits].
        series: By name, [windows].
    """

    fingerprint: str
    status: str
    reason: str
    metrics: Mapping[str, np.ndarray]
    series: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Axes:
    """The coordinates that all trials of a study share."""

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
    first = results[0]
    metrics, series = list(first.metrics), list(first.series)
    return xr.Dataset(
        {
            "metrics": (
                ("trial", "metric", "eval_step", "split"),
                np.stack([np.stack([r.metrics[name] for name in metrics]) for r in results]),
            ),
            "series": (
                ("trial", "name", "train_step"),
                np.stack([np.stack([r.series[name] for name in series]) for r in results]),
            ),
            "status": ("trial", [result.status for result in results]),
            "infeasible_reason": ("trial", [result.reason for result in results]),
            "fingerprint": ("trial", [result.trial.fingerprint for result in results]),
        },
        coords={
            "trial": [result.trial.id for result in results],
            "metric": metrics,
            "name": series,
            "eval_step": first.eval_steps,
            "train_step": first.train_steps,
            "split": list(first.splits),
        },
    )


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
    columns = {
        name: file[name][:]
        for name in (
            "trial",
            "metric",
            "name",
            "metrics",
            "series",
            "status",
            "infeasible_reason",
            "fingerprint",
        )
    }
    axes = Axes(file["eval_step"][:], file["train_step"][:], tuple(map(str, file["split"][:])))
    trials = {
        str(trial): PackedTrial(
            fingerprint=str(columns["fingerprint"][row]),
            status=str(columns["status"][row]),
            reason=str(columns["infeasible_reason"][row]),
            metrics=dict(zip(map(str, columns["metric"]), columns["metrics"][row], strict=True)),
            series=dict(zip(map(str, columns["name"]), columns["series"][row], strict=True)),
        )
        for row, trial in enumerate(columns["trial"])
    }
    return axes, trials
