"""Feed each step from the host: the indices of its examples, or the examples themselves.

Data on the device is selected by index. Data that does not fit there is read ahead by Grain, in the
same order of batches, so that both give the same bits. Batches that a workload makes itself are
read ahead in the same way.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tuning_playbook.engine.order import Order
from tuning_playbook.engine.stream import Stream
from tuning_playbook.workloads.protocol import Arrays

PIECE_BYTES = 2**26
"""Inputs up to this total size are handed to the device at once."""

PREFETCHED_STEPS = 64
"""Most batches that are read ahead of training."""

PREFETCHED_PIECES = 4
"""Most pieces of the largest size that are read ahead: large examples must not fill the memory."""

READING_THREADS = 4


class Feed(Protocol):
    """Supplies the input of the steps of a group of lanes, from a step on.

    Attributes:
        most_steps: Most steps that may be requested at once.
    """

    most_steps: int

    def next(self, steps: int) -> Any:
        """Return the input of the next steps: [steps, batch, ...], with several lanes first."""

    def close(self) -> None:
        """Stop reading ahead; nothing is fed afterwards."""


class IndexFeed:
    """The indices of the examples, for a training split on the device. See `Feed`."""

    def __init__(self, order: Order, first_step: int, rows: slice = slice(None)) -> None:
        """Start at a step.

        Args:
            order: The order of the examples.
            first_step: Steps already taken.
            rows: The examples of each batch whose indices this process supplies; others supply the
                rest.
        """
        self._order, self._step, self._rows = order, first_step, rows
        self.most_steps = _most_steps(order.batches(first_step, 1).nbytes)

    def next(self, steps: int) -> np.ndarray:
        """Return the indices of the examples of the next steps, int32."""
        numbers = self._order.batches(self._step, steps)[..., self._rows]
        self._step += steps
        return _drop_single_lane(numbers)

    def close(self) -> None:
        """Do nothing: no indices are drawn ahead."""


class HostFeed:
    """The examples themselves, read ahead on the host. See `Feed`.

    Attributes:
        read_seconds: Time spent waiting for batches that were not ready.
        stack_seconds: Time spent putting the batches of several steps together.
        most_steps: Most steps that may be requested at once.
    """

    def __init__(
        self,
        batch_at: Callable[[int], Mapping[str, np.ndarray]],
        step_bytes: int,
        first_step: int,
        last_step: int,
    ) -> None:
        """Start reading.

        Args:
            batch_at: Returns the batch of a step, [lanes, batch, ...]; several threads call it.
            step_bytes: The bytes of one step's batches, for all lanes together.
            first_step: Steps already taken.
            last_step: The step at which training ends.
        """
        self.read_seconds = self.stack_seconds = 0.0
        self.most_steps = _most_steps(step_bytes)

        import grain  # noqa: PLC0415 - slow to import (half of JAX), and rarely needed

        ahead = min(PREFETCHED_STEPS, PREFETCHED_PIECES * self.most_steps)
        options = grain.ReadOptions(num_threads=READING_THREADS, prefetch_buffer_size=ahead)
        steps = grain.MapDataset.range(first_step, last_step).map(batch_at)
        self._batches = iter(steps.to_iter_dataset(options))

    def next(self, steps: int) -> dict[str, np.ndarray]:
        """Return the examples of the next steps, by name."""
        started = time.perf_counter()
        batches = [next(self._batches) for _ in range(steps)]
        read = time.perf_counter()
        stacked = {
            name: _drop_single_lane(np.stack([batch[name] for batch in batches], axis=1))
            for name in batches[0]
        }
        self.read_seconds += read - started
        self.stack_seconds += time.perf_counter() - read
        return stacked

    def close(self) -> None:
        """Stop reading ahead: a trial that diverged needs nothing more."""
        self._batches.close()


def array_feed(
    train: Arrays, order: Order, first_step: int, last_step: int, rows: slice = slice(None)
) -> HostFeed:
    """Return a feed of the examples of a training split on the host.

    Args:
        train: The training split.
        order: The order of its examples.
        first_step: Steps already taken.
        last_step: The step at which training ends.
        rows: The examples of each batch that are read here; other processes read the rest.
    """
    example_bytes = sum(array[:1].nbytes for array in train.values())

    def batch_at(step: int) -> dict[str, np.ndarray]:
        index = order.batches(step, 1)[:, 0, rows]
        return {name: np.asarray(array[index]) for name, array in train.items()}

    step_bytes = example_bytes * order.batches(first_step, 1).size
    return HostFeed(batch_at, step_bytes, first_step, last_step)


def stream_feed(
    stream: Stream,
    seeds: Sequence[int],
    batch_size: int,
    first_step: int,
    last_step: int,
    rows: slice = slice(None),
) -> HostFeed:
    """Return a feed of the batches that a workload makes itself.

    Args:
        stream: Makes the batches.
        seeds: The seed of the trial in each lane.
        batch_size: Examples of a batch.
        first_step: Steps already taken.
        last_step: The step at which training ends.
        rows: The examples of each batch that this process feeds.
    """

    def batch_at(step: int) -> dict[str, np.ndarray]:
        lanes = [stream(seed, step, batch_size) for seed in seeds]
        return {name: np.stack([lane[name][rows] for lane in lanes]) for name in lanes[0]}

    first = batch_at(min(first_step, last_step - 1))
    step_bytes = sum(array.nbytes for array in first.values())
    return HostFeed(batch_at, step_bytes, first_step, last_step)


def _most_steps(step_bytes: int) -> int:
    return max(1, PIECE_BYTES // step_bytes)


def _drop_single_lane(array: np.ndarray) -> np.ndarray:
    return array[0] if len(array) == 1 else array
