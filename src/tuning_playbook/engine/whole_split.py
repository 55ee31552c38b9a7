"""Metrics of a whole split that are not means over examples: the area under a curve, F1, BLEU.

The model's predictions for every example go to the host, and the workload's `summarize` computes
the metrics. So they do not depend on the evaluation batches.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from tuning_playbook.engine.evaluation import Split
from tuning_playbook.errors import WorkloadError
from tuning_playbook.workloads.protocol import Arrays, Workload


def whole_metrics(workload: Workload) -> tuple[str, ...]:
    """Return the names of a workload's metrics of a whole split."""
    return tuple(item.name for item in workload.metrics if item.whole)


def without_padding(tree: Any, weights: Any) -> Any:
    """Return arrays of [batches, batch, ...] as NumPy arrays of [examples, ...].

    Args:
        tree: Any pytree of such arrays.
        weights: [batches, batch]; zero for padding, which is at the end.
    """
    count = int(np.asarray(weights).sum())
    return jax.tree.map(
        lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:])[:count], jax.device_get(tree)
    )


def examples_of(split: Split) -> Arrays:
    """Return the examples of an evaluated split on the host, [examples, ...] each."""
    examples: Arrays = without_padding(dict(split[0]), split[1])
    return examples


def summarize(workload: Workload, outputs: Any, examples: Arrays) -> dict[str, float]:
    """Return the metrics of a whole split.

    Args:
        workload: The workload.
        outputs: The result of `predict` for each example, any pytree of [examples, ...].
        examples: The split's arrays, [examples, ...].

    Raises:
        WorkloadError: `summarize` does not return one number for each of them.
    """
    names = whole_metrics(workload)
    summarize_: Any = getattr(workload, "summarize", None)
    given = summarize_(outputs, examples)
    kind = type(workload).__name__
    if not isinstance(given, Mapping) or set(given) != set(names):
        came = ", ".join(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
        raise WorkloadError(
            f"{kind}.summarize returns {came or 'nothing'}; it must return a mapping with one "
            f"number for each metric that is declared with whole=True: {', '.join(names)}"
        )
    found = {}
    for name in names:
        value = np.asarray(given[name])
        if value.size != 1 or value.dtype.kind not in "biuf":
            raise WorkloadError(
                f"{kind}.summarize returns '{name}' as {value.dtype}{list(value.shape)}; it must "
                "be one number"
            )
        found[name] = float(value.item())
    return found
