"""Gradient accumulation: a step's batch is computed in parts, one after the other.

This is for a batch that does not fit in memory. The parts have equal sizes, so the mean over the
batch is the mean over its parts: loss and gradient equal those of the whole batch up to rounding.
What is not a mean over examples is computed per part: the statistics of batch normalization, and
the draws of dropout, whose key is folded with the part's number. A step takes longer than at once.

Source: the playbook, "Determining the feasible batch sizes and estimating training throughput"
(gradient accumulation simulates a larger batch, and gives no throughput).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Variables

OfPart = Callable[[Variables, Any, jax.Array], tuple[Any, Any, Variables]]
"""From the collections, the input of some examples and a key to loss, gradient and collections."""


def accumulated(
    of_part: OfPart, rest: Variables, fed: Any, key: jax.Array, trial: Trial
) -> tuple[Any, Any, Variables]:
    """Return the mean loss of a batch, its gradient, and the collections after it.

    Args:
        of_part: Computes a part.
        rest: The collections that the model updates itself; each part starts with those of the part
            before it.
        fed: The arrays of the batch, or the indices of its examples: each [batch, ...].
        key: The step's key.
        trial: The trial, which sets the size of a part.
    """
    parts = trial.step_examples // trial.microbatch
    cut = jax.tree.map(lambda leaf: leaf.reshape(parts, trial.microbatch, *leaf.shape[1:]), fed)

    def add(
        total: tuple[Any, Any, Variables], given: tuple[jax.Array, Any]
    ) -> tuple[tuple[Any, Any, Variables], None]:
        number, part = given
        loss, gradient, rest = of_part(total[2], part, jax.random.fold_in(key, number))
        return (total[0] + loss, jax.tree.map(jnp.add, total[1], gradient), rest), None

    first = jax.tree.map(lambda leaf: leaf[0], cut)
    shapes = jax.eval_shape(of_part, rest, first, key)
    loss, gradient = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes[:2])
    total, _ = jax.lax.scan(add, (loss, gradient, rest), (jnp.arange(parts), cut))
    loss, gradient = jax.tree.map(lambda leaf: leaf / parts, total[:2])
    return loss, gradient, total[2]
