"""What a finished trial leaves in its folder, beside its checkpoints: metrics and provenance.

    trials/<trial>/metrics.npz       the arrays of `TrialResult`
    trials/<trial>/predictions.npz   the best checkpoint's, of some validation examples
    trials/<trial>/trial.json        configuration, fingerprint, status, provenance; written last

A trial whose trial.json names the same fingerprint and whose metrics match their hash is finished.
Reading and writing these needs NumPy alone, so a job that keeps all its trials is quick.
"""

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tuning_playbook.engine.windows import GradientSummary
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_atomically
from tuning_playbook.trials.manifest import BEST, check_manifest, manifest_of
from tuning_playbook.trials.trial import Trial

logger = logging.getLogger(__name__)

Status = Literal["completed", "diverged", "failed"]

EVALUATED_SPLITS = ("train", "validation")
"""The test split is read once, at the end, on purpose; no trial evaluates it."""

METRIC, SERIES, GRADIENT = "metric/", "series/", "gradient/"
WHOLE, SAMPLE_ERROR = "whole/", "sample_error/"


@dataclass(frozen=True)
class TrialResult:
    """The numbers of a finished trial: the same trial gives the same ones.

    Attributes:
        trial: What was trained.
        status: How it ended.
        reason: Why it is infeasible; empty for a completed trial.
        splits: The evaluated splits.
        eval_steps: [evaluations], the number of steps before each; the first is 0.
        metrics: By name, [evaluations, splits] float32; NaN from divergence on.
        train_steps: [windows], the last step of each.
        series: By name, [windows] float32; as `windows.windowed` gives them.
        gradient: The gradient norms of the whole run.
        whole: Each metric at the best step on the whole validation split; empty where the trial
            never had finite metrics.
        sample_error: The standard error of each over a random sample as large as that of the
            periodic evaluations; empty where those see the whole split.
        class_right: Right predictions of each class there, [classes]; empty without classes.
        class_examples: Examples of each class there, [classes].
    """

    trial: Trial
    status: Status
    reason: str
    splits: tuple[str, ...]
    eval_steps: np.ndarray
    metrics: Mapping[str, np.ndarray]
    train_steps: np.ndarray
    series: Mapping[str, np.ndarray]
    gradient: GradientSummary
    whole: Mapping[str, float]
    sample_error: Mapping[str, float]
    class_right: np.ndarray
    class_examples: np.ndarray


def trial_folder(study: Path, trial: Trial) -> Path:
    """Return the folder of a trial in the results of its study."""
    return study / "trials" / trial.id


def write_result(folder: Path, result: TrialResult, provenance: Mapping[str, Any]) -> None:
    """Write a finished trial; its trial.json comes last and says that all else is there.

    Args:
        folder: The trial's.
        result: Its numbers.
        provenance: What differs from run to run: dates, times, machine, versions.
    """
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"{METRIC}{name}": array for name, array in result.metrics.items()}
    arrays |= {f"{SERIES}{name}": array for name, array in result.series.items()}
    arrays |= {f"{WHOLE}{name}": np.float64(value) for name, value in result.whole.items()}
    arrays |= {
        f"{SAMPLE_ERROR}{name}": np.float64(value) for name, value in result.sample_error.items()
    }
    arrays |= {"class_right": result.class_right, "class_examples": result.class_examples}
    arrays |= {f"{GRADIENT}{name}": value for name, value in asdict(result.gradient).items()}
    np.savez(
        buffer,
        allow_pickle=False,
        eval_steps=result.eval_steps,
        train_steps=result.train_steps,
        splits=np.array(result.splits),
        **arrays,
    )
    content = buffer.getvalue()
    write_atomically(folder / "metrics.npz", content)
    record = {
        "trial": result.trial.to_json(),
        "fingerprint": result.trial.fingerprint,
        "status": result.status,
        "infeasible_reason": result.reason,
        "metrics_sha256": hashlib.sha256(content).hexdigest(),
        "provenance": dict(provenance),
    }
    write_atomically(folder / "trial.json", json.dumps(record, indent=1, sort_keys=True) + "\n")


def read_result(folder: Path, trial: Trial) -> TrialResult | None:
    """Return the finished trial that a folder holds; None if none, a damaged or a failed one."""
    found = _read(folder, trial)
    if found is None or found.status == "failed":  # for want of memory: another machine may have it
        return None
    return found


def read_ended(folder: Path, trial: Trial) -> TrialResult:
    """Return the trial that a folder holds, which another process has just written.

    Raises:
        ArtefactError: There is none, or a damaged one.
    """
    found = _read(folder, trial)
    if found is None:
        raise ArtefactError(
            f"{folder}: the trial was trained on other nodes and is not to be seen from here; do "
            "they share this folder?"
        )
    return found


def _read(folder: Path, trial: Trial) -> TrialResult | None:
    """Return the trial that a folder holds, failed ones too; None if none or a damaged one."""
    try:
        record = json.loads((folder / "trial.json").read_text())
        content = (folder / "metrics.npz").read_bytes()
    except (OSError, ValueError):
        return None
    whole = record.get("metrics_sha256") == hashlib.sha256(content).hexdigest()
    if record.get("fingerprint") != trial.fingerprint or not whole or _best_is_damaged(folder):
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return TrialResult(
            trial=trial,
            status=record["status"],
            reason=record["infeasible_reason"],
            splits=tuple(str(split) for split in arrays["splits"]),
            eval_steps=arrays["eval_steps"],
            metrics=_with_prefix(arrays, METRIC),
            train_steps=arrays["train_steps"],
            series=_with_prefix(arrays, SERIES),
            gradient=GradientSummary(
                counts=arrays[f"{GRADIENT}counts"],
                p90=float(arrays[f"{GRADIENT}p90"]),
                clipped_share=float(arrays[f"{GRADIENT}clipped_share"]),
            ),
            whole={name: float(value) for name, value in _with_prefix(arrays, WHOLE).items()},
            sample_error={
                name: float(value) for name, value in _with_prefix(arrays, SAMPLE_ERROR).items()
            },
            class_right=arrays["class_right"],
            class_examples=arrays["class_examples"],
        )


def _best_is_damaged(folder: Path) -> bool:
    """Whether the best checkpoint of a trial is not what was saved; it may have been removed."""
    saved = folder / "checkpoints"
    if not manifest_of(saved, BEST).exists():
        return False
    try:
        check_manifest(saved, BEST)
    except ArtefactError as error:
        logger.warning("%s; the trial counts as unfinished", error)
        return True
    return False


def write_predictions(folder: Path, examples: Mapping[str, np.ndarray]) -> None:
    """Write what the best variables of a trial say of some validation examples, in their order.

    Args:
        folder: The trial's.
        examples: Each metric, [kept], and `prediction`, [kept, ...], where the workload predicts.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **examples)
    write_atomically(folder / "predictions.npz", buffer.getvalue())


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return the provenance of the finished trial in a folder."""
    provenance: dict[str, Any] = json.loads((folder / "trial.json").read_text())["provenance"]
    return provenance


def _with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
