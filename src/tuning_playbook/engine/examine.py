"""Evaluate the best variables of a trial per example, on the whole validation split.

Source: the playbook, "Setting up periodic evaluations" (save predictions on individual examples)
and "Choosing a sample for periodic evaluation" (skew of the sample, correct predictions per class).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook.engine.lane import Lane, lane_of
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.whole_split import (
    examples_of,
    summarize,
    whole_metrics,
    without_padding,
)

KEPT_EXAMPLES = 64
"""Number of validation examples, from the first, whose predictions are saved."""


@dataclass(frozen=True)
class Examination:
    """The best variables of one trial on the whole validation split.

    Attributes:
        means: Each metric's mean, or its value for the whole split.
        sample_error: The standard error of each mean over a random sample as large as that of the
            periodic evaluations; NaN if the metric is not a mean; empty if those see the whole
            split.
        class_right: Correct predictions of each class, [classes]; empty if there are no classes.
        class_examples: Examples of each class, [classes].
        examples: For the first examples, if the workload predicts: each metric, [kept], and
            `prediction`, [kept, ...].
    """

    means: Mapping[str, float]
    sample_error: Mapping[str, float]
    class_right: np.ndarray
    class_examples: np.ndarray
    examples: Mapping[str, np.ndarray]


NOTHING = Examination({}, {}, np.empty(0, np.int64), np.empty(0, np.int64), {})
"""The result for a trial that never had finite metrics."""


def examine(program: Program, lanes: Sequence[Lane], traced: Any) -> list[Examination]:
    """Return the examination of each lane's best variables on the whole validation split."""
    best = [lane.best[0][2] if lane.best else None for lane in lanes]
    any_best = next((variables for variables in best if variables is not None), None)
    if any_best is None:
        return [NOTHING] * len(lanes)
    width = program.trial.lanes
    filled = [any_best if item is None else item for item in best]
    filled += [any_best] * (width - len(filled))
    stacked = filled[0] if width == 1 else jax.tree.map(lambda *x: jnp.stack(x), *filled)
    steps = [lane.best[0][1] if lane.best else 0 for lane in lanes]
    at = np.array(steps + [0] * (width - len(steps)), np.int32)
    found = jax.device_get(program.examine(stacked, traced, at[0] if width == 1 else at))
    examinations = []
    for index, variables in enumerate(best):
        lane = without_padding(lane_of(found, index, width), program.data.whole[1])
        examinations.append(NOTHING if variables is None else _sum_up(program, lane))
    return examinations


def _sum_up(program: Program, found: Mapping[str, Any]) -> Examination:
    workload, sample = program.workload, program.trial.validation_sample
    names = [metric.name for metric in workload.metrics if not metric.whole]
    means = {name: float(found[name].mean(dtype=np.float64)) for name in names}
    errors = {name: sample_error(found[name], sample) for name in names} if sample else {}
    if whole := whole_metrics(workload):
        means |= summarize(workload, found["prediction"], examples_of(program.data.whole))
        errors |= dict.fromkeys(whole, np.nan) if sample else {}
    right = total = np.empty(0, np.int64)
    label = getattr(workload, "label", None)
    if label and "prediction" in found:
        labels = np.asarray(program.data.whole[0][label]).reshape(-1)[: len(found["prediction"])]
        classes = found["prediction"].shape[-1]
        hit = labels[found["prediction"].argmax(axis=-1) == labels]
        right = np.bincount(hit, minlength=classes).astype(np.int64)
        total = np.bincount(labels, minlength=classes).astype(np.int64)
    return Examination(
        means=means,
        sample_error=errors,
        class_right=right,
        class_examples=total,
        examples=_kept(found) if "prediction" in found else {},
    )


def _kept(found: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return what is saved of the first examples; a pytree's arrays are named by their paths."""
    return {
        "/".join([name, *(_key(part) for part in path)]): array[:KEPT_EXAMPLES]
        for name, tree in found.items()
        for path, array in jax.tree_util.tree_leaves_with_path(tree)
    }


def _key(part: Any) -> str:
    return jax.tree_util.keystr((part,), simple=True)


def sample_error(values: np.ndarray, size: int) -> float:
    """Return the standard error of the mean over a random sample, drawn without replacement.

    Args:
        values: The values of all examples, [examples].
        size: The size of the sample.
    """
    examples = len(values)
    share_left = max(examples - size, 0) / max(examples - 1, 1)
    return float(values.std(dtype=np.float64) * np.sqrt(share_left / size))
