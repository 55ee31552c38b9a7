"""How the training loop holds the parameters: as the model has them, or as one vector.

A small model's step spends as long starting kernels as computing in them. Where the update rule
treats every number alike, one vector makes the rule one kernel and each norm one reduction; the
numbers it computes are the same.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook.engine.optimizers import ELEMENTWISE

LARGEST_VECTOR = 2**22
"""Parameters beyond which kernels are long enough, and a copy of the gradient costs memory."""


class Layout(NamedTuple):
    """The two ways between the model's parameters, or their gradient, and what the loop holds.

    Attributes:
        hold: From the model's tree.
        release: Back to it.
    """

    hold: Callable[[Any], Any]
    release: Callable[[Any], Any]


def layout(params: Any, optimizer: str) -> Layout:
    """Return how parameters like these are held while `optimizer` trains them.

    Args:
        params: The model's, or their shapes.
        optimizer: Its name.
    """
    leaves = jax.tree.leaves(params)
    alike = len({leaf.dtype for leaf in leaves}) == 1
    if optimizer in ELEMENTWISE and alike and sum(leaf.size for leaf in leaves) <= LARGEST_VECTOR:
        shapes, structure = [leaf.shape for leaf in leaves], jax.tree.structure(params)
        ends = np.cumsum([leaf.size for leaf in leaves])[:-1]

        def release(vector: jax.Array) -> Any:
            parts = jnp.split(vector, ends)
            pairs = zip(parts, shapes, strict=True)
            return jax.tree.unflatten(structure, [part.reshape(shape) for part, shape in pairs])

        return Layout(_as_vector, release)
    return Layout(_as_it_is, _as_it_is)


_put_together: Callable[[jax.Array], jax.Array] = jax.lax.optimization_barrier
"""Keeps the compiler from putting a vector together anew for each of its readers."""


def _as_vector(tree: Any) -> jax.Array:
    return _put_together(jnp.concatenate([leaf.reshape(-1) for leaf in jax.tree.leaves(tree)]))


def _as_it_is(tree: Any) -> Any:
    return tree
