"""Training batches that a workload makes itself, instead of an array of training examples.

The batch of a step is a function of (seed, step) alone, like the order of an array's examples. So a
text of any size can be read from a memory map, and a resumed trial sees the same batches.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tuning_playbook.errors import WorkloadError
from tuning_playbook.workloads.protocol import Arrays, Workload

Stream = Callable[[int, int, int], Arrays]
"""Maps a trial's seed, a step (from 0) and a batch size to the step's batch, [batch, ...]."""


def stream_of(workload: Workload) -> Stream | None:
    """Return the training batches that a workload makes itself; None if it has an array.

    Each batch is checked: names, types and shapes must be those of the first batch.
    """
    make: Any = getattr(workload, "train_batches", None)
    if make is None:
        return None
    kind = type(workload).__name__
    like: dict[int, Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]] = {}

    def batch_of(seed: int, step: int, batch_size: int) -> dict[str, np.ndarray]:
        given = make(seed, step, batch_size)
        if not isinstance(given, Mapping) or not given:
            raise WorkloadError(
                f"{kind}.train_batches returns an object of type {type(given).__name__}; it must "
                "return the batch of a step, {name: [batch, ...]}"
            )
        batch = {str(name): np.asarray(array) for name, array in given.items()}
        found = {name: (array.shape, array.dtype) for name, array in batch.items()}
        if like.setdefault(batch_size, found) != found or any(
            shape[:1] != (batch_size,) for shape, _ in found.values()
        ):
            raise WorkloadError(
                f"{kind}.train_batches returns {_shapes(found)} at step {step}; each array of each "
                f"step must be [batch, ...] = [{batch_size}, ...], as that of any other step is "
                f"({_shapes(like[batch_size])})"
            )
        return batch

    return batch_of


def _shapes(found: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> str:
    return ", ".join(f"'{name}' {dtype}{list(shape)}" for name, (shape, dtype) in found.items())
