"""Feed batches from the host, for data that does not fit the device: read ahead by Grain.

The order is that of device-resident training, batch for batch, so the two give the same bits.
"""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence

import jax
import numpy as np

from tuning_playbook.training.order import epoch_order
from tuning_playbook.training.program import ORDER_STREAM
from tuning_playbook.workloads.protocol import Arrays

PREFETCHED_STEPS = 64
"""Batches that are read ahead of training."""

PIECE_BYTES = 2**26
"""Batches of this size together are handed to the device at once."""

READING_THREADS = 4


class HostFeed:
    """The batches of a group of lanes, from a step on.

    Attributes:
        wait_seconds: Time spent waiting for batches that were not read yet.
        most_steps: Steps whose batches may be asked for at once.
    """

    def __init__(
        self,
        train: Arrays,
        batch_size: int,
        seeds: Sequence[int],
        first_step: int,
        last_step: int,
        rows: slice = slice(None),
    ) -> None:
        """Begin to read.

        Args:
            train: The training split, on the host.
            batch_size: Examples a step.
            seeds: Of the trial in each lane.
            first_step: Steps already taken.
            last_step: Where training ends.
            rows: The examples of each batch that are read here; others are read by other processes.
        """
        self.wait_seconds = 0.0
        self._single = len(seeds) == 1
        examples = len(next(iter(train.values())))
        example_bytes = sum(array[:1].nbytes for array in train.values())
        self.most_steps = max(1, PIECE_BYTES // (example_bytes * batch_size * len(seeds)))
        steps_per_epoch = examples // batch_size

        @functools.lru_cache(maxsize=2 * len(seeds))
        def order_of(seed: int, epoch: int) -> np.ndarray:
            key = jax.random.fold_in(jax.random.key(np.uint32(seed)), ORDER_STREAM)
            return np.asarray(epoch_order(key, np.int32(epoch), examples))

        def batch_at(step: int) -> dict[str, np.ndarray]:
            epoch, number = divmod(step, steps_per_epoch)
            chosen = slice(number * batch_size, (number + 1) * batch_size)
            index = np.stack([order_of(seed, epoch)[chosen][rows] for seed in seeds])
            return {name: np.asarray(array[index]) for name, array in train.items()}

        import grain  # noqa: PLC0415 - half as slow to import as JAX, and few workloads need it

        options = grain.ReadOptions(
            num_threads=READING_THREADS, prefetch_buffer_size=PREFETCHED_STEPS
        )
        steps = grain.MapDataset.range(first_step, last_step).map(batch_at)
        self._batches: Iterator[Mapping[str, np.ndarray]] = iter(steps.to_iter_dataset(options))

    def next(self, steps: int) -> dict[str, np.ndarray]:
        """Return the batches of the next steps: [steps, batch, ...], lanes first where several."""
        started = time.perf_counter()
        batches = [next(self._batches) for _ in range(steps)]
        self.wait_seconds += time.perf_counter() - started
        stacked = {name: np.stack([b[name] for b in batches], axis=1) for name in batches[0]}
        return {name: array[0] for name, array in stacked.items()} if self._single else stacked
