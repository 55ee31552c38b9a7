"""The order of the training examples: a new shuffle each epoch, from the seed and the epoch only.

The last examples of a shuffle that do not fill a batch are left out of its epoch. The order is that
of `jax.random.permutation`, so a few lines of JAX give the same batches. JAX would compute it on
the device, which takes 7 % of the time of a small model; NumPy computes it while the device trains.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np

from tuning_playbook.engine.program import ORDER_STREAM
from tuning_playbook.engine.threefry import threefry

TOGETHER = 2**14
"""Indices that are shuffled together, in whole epochs. A shuffle makes some fifty NumPy calls,
whose overhead exceeds the work if there are few indices."""


def epoch_orders(seed: int, first: int, epochs: int, examples: int) -> np.ndarray:
    """Return the orders of the training examples in some epochs, [epochs, examples] int32.

    Each is the result of `jax.random.permutation` for `examples` and the seed's key, folded first
    with the stream and then with the epoch. Like JAX, it sorts by random words, and sorts again if
    this number of examples makes equal words likely.

    Args:
        seed: The trial's seed.
        first: The first of the epochs, counted from 0.
        epochs: The number of consecutive epochs.
        examples: The number of training examples.
    """
    zero = np.zeros((1, 1), np.uint32)
    of_seed = threefry((zero, zero + np.uint32(seed)), zero, zero + np.uint32(ORDER_STREAM))
    number = np.arange(first, first + epochs, dtype=np.uint32)[:, None]
    key = threefry(of_seed, zero, number)
    places = np.arange(examples, dtype=np.uint32)
    order = np.broadcast_to(places, (epochs, examples))
    for _ in range(math.ceil(3 * math.log(max(1, examples)) / math.log(2**32 - 1))):
        key, subkey = threefry(key, zero, zero), threefry(key, zero, zero + np.uint32(1))
        words = np.bitwise_xor(*threefry(subkey, zero, places))
        # Sorting numbers of a word and an index is a stable sort of indices by words.
        both = words.astype(np.uint64) << 32 | places
        both.sort(axis=1)
        order = np.take_along_axis(order, both.astype(np.uint32), axis=1)
    return order.astype(np.int32)


class Order:
    """The examples that the steps of some trials see."""

    def __init__(self, seeds: Sequence[int], examples: int, batch_size: int) -> None:
        """Store what decides the order.

        Args:
            seeds: The seed of the trial in each lane.
            examples: The number of training examples.
            batch_size: The number of examples in a step.
        """
        self._seeds, self._batch_size = seeds, batch_size
        self._steps_per_epoch = examples // batch_size

        together = max(1, TOGETHER // examples)

        @functools.lru_cache(maxsize=2 * len(seeds))
        def orders_of(seed: int, part: int) -> np.ndarray:
            return epoch_orders(seed, part * together, together, examples)

        def order_of(seed: int, epoch: int) -> np.ndarray:
            part, row = divmod(epoch, together)
            order: np.ndarray = orders_of(seed, part)[row]
            return order

        self._order_of = order_of

    def batches(self, first_step: int, steps: int) -> np.ndarray:
        """Return the indices of the examples in some steps, [lanes, steps, batch] int32.

        Args:
            first_step: Steps taken before.
            steps: The number of steps; at least one.
        """
        length, size = self._steps_per_epoch, self._batch_size
        last_step = first_step + steps
        parts = []
        for epoch in range(first_step // length, (last_step - 1) // length + 1):
            begin = max(first_step - epoch * length, 0) * size
            end = min(last_step - epoch * length, length) * size
            chosen = [self._order_of(seed, epoch)[begin:end] for seed in self._seeds]
            parts.append(np.stack(chosen).reshape(len(self._seeds), -1, size))
        return np.concatenate(parts, axis=1)
