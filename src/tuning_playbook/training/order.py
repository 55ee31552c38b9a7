"""The order of the training examples: a new shuffle each epoch, by the seed and the epoch alone.

The last examples of a shuffle that fill no batch are left out of its epoch. An order is that of
`jax.random.permutation`, so a few lines of JAX see the same batches. It is made on the host, by
NumPy, while the device trains: sorting on the device takes 7 % of the time of a small model.

Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Threefry-2x32).
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

ORDER_STREAM = 1
"""Which of a trial's random streams its orders come from; see `program`."""

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))

PARITY = 0x1BD11BDA

WORD = 2**32 - 1
"""The bits of a word."""

Words = tuple[Any, Any]
"""Two words of 32 bits, or two arrays of them, [numbers] uint32."""


def threefry(key: Words, first: Any, second: Any) -> Words:
    """Return the Threefry-2x32 hash, of 20 rounds, of two words."""
    schedule = (*key, key[0] ^ key[1] ^ PARITY)
    x, y = _word(first + schedule[0]), _word(second + schedule[1])
    for turn in range(5):
        for rotation in ROTATIONS[turn % 2]:
            x = _word(x + y)
            y = x ^ (_word(y << rotation) | y >> 32 - rotation)
        x = _word(x + schedule[(turn + 1) % 3])
        y = _word(y + _word(schedule[(turn + 2) % 3] + turn + 1))
    return x, y


def _word(value: Any) -> Any:
    """Return the last 32 bits; an array has no more."""
    return value & WORD if isinstance(value, int) else value


@functools.lru_cache(maxsize=1024)
def _order_key(seed: int) -> Words:
    return threefry((0, seed), 0, ORDER_STREAM)


def epoch_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """Return the order of the training examples in an epoch, [examples] int32.

    It is what `jax.random.permutation` gives of `examples` and the seed's key, into which first the
    stream and then the epoch are folded. As there, it sorts by random words, again where so many
    examples make equal words likely.
    """
    key = threefry(_order_key(seed), 0, epoch)
    order = places = np.arange(examples, dtype=np.uint32)
    for _ in range(math.ceil(3 * math.log(max(1, examples)) / math.log(WORD))):
        key, subkey = threefry(key, 0, 0), threefry(key, 0, 1)
        first, second = threefry(subkey, 0, places)
        # One number of a word and a place is sorted many times faster than words with places.
        both = (first ^ second).astype(np.uint64) << 32 | places
        both.sort()
        order = order[both & WORD]
    return order.astype(np.int32)


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
