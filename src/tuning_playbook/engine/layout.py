"""How the training loop stores the parameters: as the model does, or as one vector.

A step of a small model spends as much time starting kernels as computing in them. If the update
rule treats every number in the same way, one vector makes the rule one kernel and each norm one
reduction. The numbers are the same.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook.engine.optimizers import ELEMENTWISE

LARGEST_VECTOR = 2**22
"""Most parameters for one vector: beyond it kernels are long, and a gradient copy costs memory."""


class Layout(NamedTuple):
    """The two functions between the model's tree of parameters, or gradient, and the loop's form.

    Attributes:
        hold: Converts the model's tree to the loop's form.
        release: Converts it back.
    """

    hold: Callable[[Any], Any]
    release: Callable[[Any], Any]


def layout(params: Any, optimizer: str) -> Layout:
    """Return the layout of parameters like these while `optimizer` trains them.

    Args:
        params: The model's parameters, or their shapes.
        optimizer: The optimizer's name.
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
"""Stops the compiler from building a vector again for each of its readers."""


def _as_vector(tree: Any) -> jax.Array:
    return _put_together(jnp.concatenate([leaf.reshape(-1) for leaf in jax.tree.leaves(tree)]))


def _as_it_is(tree: Any) -> Any:
    return tree
