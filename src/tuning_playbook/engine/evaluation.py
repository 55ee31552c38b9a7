"""Evaluation on a whole split, in batches of one size whose padding has zero weight.

Source: the playbook, "Setting up periodic evaluations".
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook.workloads.protocol import Arrays

SAMPLE_SEED = 0

Split = tuple[Mapping[str, jax.Array], jax.Array]
"""Examples as [batches, batch, ...], and their weights as [batches, batch]: zero for padding."""

PerExample = Callable[[Mapping[str, jax.Array]], Mapping[str, jax.Array]]
"""Maps a batch to each metric of each of its examples, [batch]."""


def batched(arrays: Arrays, least: int, parts: int = 1) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Cut a split into batches of one size, padded with copies of the first example.

    Args:
        arrays: Arrays, each [examples, ...].
        least: Fewest examples of a batch; a split with fewer than twice as many is one batch.
        parts: The number of equal parts into which a batch can be cut; it may be a little larger
            for that.

    Returns:
        The arrays as [batches, batch, ...], and weights [batches, batch]: 1 for examples, 0 for
        padding.
    """
    examples = len(next(iter(arrays.values())))
    batches, size = batch_shape(examples, least, parts)
    index = np.arange(batches * size)
    weight = (index < examples).astype(np.float32)
    index[examples:] = 0
    cut = {
        name: array[index].reshape(batches, size, *array.shape[1:])
        for name, array in arrays.items()
    }
    return cut, weight.reshape(batches, size)


def batch_shape(examples: int, least: int, parts: int = 1) -> tuple[int, int]:
    """Return the number of batches of a split, and the examples of each; see `batched`."""
    batches = max(1, examples // least)
    return batches, -(-examples // (batches * parts)) * parts


def fixed_sample(arrays: Arrays, size: int) -> dict[str, np.ndarray]:
    """Return a sample of a split; all of it if it has no more than `size` examples.

    It is the same for every trial, so that metrics differ by the trial alone.
    """
    examples = len(next(iter(arrays.values())))
    chosen = np.random.default_rng(SAMPLE_SEED).permutation(examples)[:size]
    return {name: array[np.sort(chosen)] for name, array in arrays.items()}


def weighted_means(per_example: PerExample, split: Split) -> dict[str, jax.Array]:
    """Return the mean of every metric over the examples of a split, without padding."""
    _, weights = split

    def sums(batch: Split) -> dict[str, jax.Array]:
        examples, weight = batch
        # A padded example must have no weight even if its metric is not a number.
        return {
            name: jnp.sum(jnp.where(weight > 0, values, 0.0))
            for name, values in per_example(examples).items()
        }

    def add(total: dict[str, jax.Array], batch: Split) -> tuple[dict[str, jax.Array], None]:
        return jax.tree.map(jnp.add, total, sums(batch)), None

    first = jax.tree.map(lambda array: array[0], split)
    if len(weights) == 1:
        totals = sums(first)
    else:
        zeros = jax.tree.map(jnp.zeros_like, jax.eval_shape(sums, first))
        totals, _ = jax.lax.scan(add, zeros, split)
    return {name: total / jnp.sum(weights) for name, total in totals.items()}
