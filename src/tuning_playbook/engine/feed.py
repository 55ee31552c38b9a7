"""Feed each step from the host: the numbers of its examples, or the examples themselves.

Data on the device is picked from by number. Data that does not fit there is read ahead by Grain,
batch for batch in the same order, so that the two give the same bits. So are batches that a
workload makes itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tuning_playbook.engine.order import Order
from tuning_playbook.engine.stream import Stream
from tuning_playbook.workloads.protocol import Arrays

PIECE_BYTES = 2**26
"""What is fed of this size together is handed to the device at once."""

PREFETCHED_STEPS = 64
"""The most batches that are read ahead of training."""

PREFETCHED_PIECES = 4
"""The most pieces of the largest size that are: large examples are not to fill the memory."""

READING_THREADS = 4


class Feed(Protocol):
    """What the steps of a group of lanes are fed, from a step on.

    Attributes:
        most_steps: Steps that may be asked for at once.
    """

    most_steps: int

    def next(self, steps: int) -> Any:
        """Return what the next steps are fed: [steps, batch, ...], lanes first where several."""

    def close(self) -> None:
        """Read no further ahead; nothing is fed any more."""


class IndexFeed:
    """The numbers of the examples, for a training split on the device. See `Feed`."""

    def __init__(self, order: Order, first_step: int, rows: slice = slice(None)) -> None:
        """Begin at a step.

        Args:
            order: Of the examples.
            first_step: Steps already taken.
            rows: The examples of each batch that this process is to name; others name the others.
        """
        self._order, self._step, self._rows = order, first_step, rows
        self.most_steps = _most_steps(order.batches(first_step, 1).nbytes)

    def next(self, steps: int) -> np.ndarray:
        """Return the numbers of the examples of the next steps, int32."""
        numbers = self._order.batches(self._step, steps)[..., self._rows]
        self._step += steps
        return _drop_single_lane(numbers)

    def close(self) -> None:
        """Do nothing: no numbers are drawn ahead."""


class HostFeed:
    """The examples themselves, which are read ahead on the host. See `Feed`.

    Attributes:
        read_seconds: Time spent waiting for batches that were not read or made yet.
        stack_seconds: Time spent putting the batches of several steps together.
        most_steps: Steps that may be asked for at once.
    """

    def __init__(
        self,
        batch_at: Callable[[int], Mapping[str, np.ndarray]],
        step_bytes: int,
        first_step: int,
        last_step: int,
    ) -> None:
        """Begin to read.

        Args:
            batch_at: Gives the batch of a step, [lanes, batch, ...]; several threads call it.
            step_bytes: Of the batches of one step, all lanes together.
            first_step: Steps already taken.
            last_step: Where training ends.
        """
        self.read_seconds = self.stack_seconds = 0.0
        self.most_steps = _most_steps(step_bytes)

        import grain  # noqa: PLC0415 - half as slow to import as JAX, and few workloads need it

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
        """Read no further ahead: a trial that diverged leaves its readers nothing to do."""
        self._batches.close()


def array_feed(
    train: Arrays, order: Order, first_step: int, last_step: int, rows: slice = slice(None)
) -> HostFeed:
    """Return a feed of the examples of a training split on the host.

    Args:
        train: The training split.
        order: Of its examples.
        first_step: Steps already taken.
        last_step: Where training ends.
        rows: The examples of each batch that are read here; others are read by other processes.
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
        stream: Makes them.
        seeds: Of the trial in each lane.
        batch_size: Examples of a batch.
        first_step: Steps already taken.
        last_step: Where training ends.
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
