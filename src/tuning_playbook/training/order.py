"""The order of the training examples: a new shuffle each epoch, by the seed and the epoch alone.

The last examples of a shuffle that fill no batch are left out of its epoch. Shuffles are made on
the host, while the device trains: a sort there takes as long as a step of a small model.
"""

import functools
from collections.abc import Sequence

import numpy as np


def epoch_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """Return the order of the training examples in an epoch, [examples] int32."""
    # Apart from every draw of `default_rng(seed)`, also in epoch 0.
    stream = np.random.SeedSequence(seed, spawn_key=(epoch,))
    return np.random.default_rng(stream).permutation(examples).astype(np.int32)


class Order:
    """Which examples the steps of some trials see."""

    def __init__(self, seeds: Sequence[int], examples: int, batch_size: int) -> None:
        """Remember what decides it.

        Args:
            seeds: Of the trial in each lane.
            examples: How many training examples there are.
            batch_size: How many of them a step sees.
        """
        self._seeds, self._batch_size = seeds, batch_size
        self._steps_per_epoch = examples // batch_size

        @functools.lru_cache(maxsize=2 * len(seeds))
        def order_of(seed: int, epoch: int) -> np.ndarray:
            return epoch_order(seed, epoch, examples)

        self._order_of = order_of

    def batches(self, first_step: int, steps: int) -> np.ndarray:
        """Return which examples some steps see, [lanes, steps, batch] int32.

        Args:
            first_step: Steps taken before.
            steps: How many follow; at least one.
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
