"""Pack files: what a training job declares as its output, the numbers of its trials.

A netCDF file costs time for every variable and little for their size, so a pack file has few, large
ones: `metrics` and `series` hold what `study.nc` has as variables of their own. Its format is
netCDF's classic one, which is read in less than half the time of the one on HDF5: a study may have
ten thousand such files. Texts are bytes of UTF-8 there, padded with zeros to the longest; what is
empty has no variable, because no dimension of that format can be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import netCDF4
import numpy as np

from tuning_playbook.engine.windows import GradientSummary
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import atomic
from tuning_playbook.trials.result import TrialResult

FORMAT: Final = "NETCDF3_64BIT_DATA"


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
        sample_error: The standard error of each over a random sample as large as that of the
            periodic evaluations; NaN where those see the whole split.
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
    sample_error: Mapping[str, float]
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
    with atomic(path) as temporary, netCDF4.Dataset(temporary, "w", format=FORMAT) as file:
        for name, (dimensions, values) in _variables(results).items():
            text = values.dtype.kind == "U"
            array = _bytes(values) if text else values
            if array.size:
                axes = (*dimensions, f"{name}_bytes") if text else dimensions
                for axis, size in zip(axes, array.shape, strict=True):
                    if axis not in file.dimensions:
                        file.createDimension(axis, size)
                file.createVariable(name, array.dtype, axes)[:] = array


def _bytes(texts: np.ndarray) -> np.ndarray:
    """Return texts as [texts, bytes], one byte each."""
    encoded = np.char.encode(texts, "utf-8")
    return encoded.view("S1").reshape(len(texts), -1)


def _texts(characters: np.ndarray) -> list[str]:
    """Return the texts that `_bytes` wrote."""
    length = characters.shape[1]
    return [item.decode() for item in characters.reshape(-1).view(f"S{length}").tolist()]


def _variables(results: Sequence[TrialResult]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Return the variables of a pack file, each with its dimensions; none where it has no trial."""
    if not results:
        return {}
    longest = max(results, key=lambda result: result.trial.max_train_steps)
    metrics, series = list(longest.metrics), list(longest.series)

    def stacked(trials: Iterable[Mapping[str, np.ndarray]], names: list[str], size: int) -> Any:
        return np.stack([np.stack([padded(t[name], size) for name in names]) for t in trials])

    whole = [[r.whole.get(name, np.nan) for name in metrics] for r in results]
    sample_error = [[r.sample_error.get(name, np.nan) for name in metrics] for r in results]
    by_trial = {
        "trial": [result.trial.id for result in results],
        "grad_norm_p90": [result.gradient.p90 for result in results],
        "clipped_share": [result.gradient.clipped_share for result in results],
        "status": [result.status for result in results],
        "infeasible_reason": [result.reason for result in results],
        "fingerprint": [result.trial.fingerprint for result in results],
    }
    return {
        "metric": (("metric",), np.array(metrics)),
        "name": (("name",), np.array(series)),
        "eval_step": (("eval_step",), longest.eval_steps),
        "train_step": (("train_step",), longest.train_steps),
        "split": (("split",), np.array(longest.splits)),
        **{name: (("trial",), np.array(values)) for name, values in by_trial.items()},
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
        "whole": (("trial", "metric"), np.array(whole)),
        "sample_error": (("trial", "metric"), np.array(sample_error)),
        "class_right": (("trial", "class"), _counts(results, "class_right")),
        "class_examples": (("trial", "class"), _counts(results, "class_examples")),
    }


def _counts(results: Sequence[TrialResult], name: str) -> np.ndarray:
    """Return counts over classes, zero for a trial that has none."""
    classes = max(len(getattr(result, name)) for result in results)
    counts = np.zeros((len(results), classes), np.int64)
    for row, result in enumerate(results):
        counts[row, : len(getattr(result, name))] = getattr(result, name)
    return counts


def pack_trial(result: TrialResult) -> PackedTrial:
    """Return a trial's result as it would be read from a pack file of its own."""
    names = result.metrics
    return PackedTrial(
        fingerprint=result.trial.fingerprint,
        status=result.status,
        reason=result.reason,
        metrics=result.metrics,
        series=result.series,
        gradient=result.gradient,
        whole={name: result.whole.get(name, np.nan) for name in names},
        sample_error={name: result.sample_error.get(name, np.nan) for name in names},
        class_right=result.class_right,
        class_examples=result.class_examples,
    )


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
                if file.variables:
                    yield _read(file)
        except (OSError, KeyError, IndexError) as error:
            raise ArtefactError(
                f"{path}: not a pack file ({error}); remove it and run snakemake again"
            ) from error


def _read(file: netCDF4.Dataset) -> tuple[Axes, dict[str, PackedTrial]]:
    columns = {name: variable[:] for name, variable in file.variables.items()}
    metrics, series, split = (_texts(columns[name]) for name in ("metric", "name", "split"))
    trials, statuses, fingerprints = (
        _texts(columns[name]) for name in ("trial", "status", "fingerprint")
    )
    nothing = np.empty((len(trials), 0), np.int64)
    reasons = columns.get("infeasible_reason")
    infeasible = [""] * len(trials) if reasons is None else _texts(reasons)
    right, examples = (columns.get(name, nothing) for name in ("class_right", "class_examples"))
    axes = Axes(columns["eval_step"], columns["train_step"], tuple(split))
    found = {
        trial: PackedTrial(
            fingerprint=fingerprints[row],
            status=statuses[row],
            reason=infeasible[row],
            metrics=dict(zip(metrics, columns["metrics"][row], strict=True)),
            series=dict(zip(series, columns["series"][row], strict=True)),
            gradient=GradientSummary(
                counts=columns["grad_norm_count"][row],
                p90=float(columns["grad_norm_p90"][row]),
                clipped_share=float(columns["clipped_share"][row]),
            ),
            whole=dict(zip(metrics, columns["whole"][row].tolist(), strict=True)),
            sample_error=dict(zip(metrics, columns["sample_error"][row].tolist(), strict=True)),
            class_right=right[row],
            class_examples=examples[row],
        )
        for row, trial in enumerate(trials)
    }
    return axes, found
