"""Which parameters usually have weight decay."""

from typing import Any

import jax
import jax.numpy as jnp


def matrices_only(params: Any) -> Any:
    """Return a tree of booleans: whether a parameter has more than one dimension.

    Biases and the scales of normalization layers have one, and do not decay. Use it as a method of
    a
    workload: `def decay_mask(self, params): return matrices_only(params)`.

    Example:
        >>> matrices_only({"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)})
        {'bias': False, 'kernel': True}
    """
    return jax.tree.map(lambda leaf: jnp.ndim(leaf) > 1, params)
