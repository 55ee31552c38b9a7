"""Short descriptions of a user's values, arrays and trees."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def difference(came: Any, expected: Any) -> str:
    """Return how a tree of arrays differs from another; empty if types and shapes are equal."""
    if str(jax.tree.structure(came)) != str(jax.tree.structure(expected)):
        return f"{jax.tree.structure(came)}, expected {jax.tree.structure(expected)}"
    pairs = zip(jax.tree_util.tree_leaves_with_path(came), jax.tree.leaves(expected), strict=True)
    return ", ".join(
        f"{shaped(one)}{at(path)}, expected {shaped(other)}"
        for (path, one), other in pairs
        if jnp.shape(one) != jnp.shape(other) or jnp.result_type(one) != jnp.result_type(other)
    )


def is_key(value: Any) -> bool:
    """Return whether a value is a JAX random key."""
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def is_array(value: Any) -> bool:
    """Return whether a value is an array or a number."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind not in "OSU"
    return isinstance(value, jax.Array | bool | int | float | complex)


def floating(value: Any) -> bool:
    """Return whether an array has a floating type."""
    return bool(jnp.issubdtype(jnp.result_type(value), jnp.floating))


def type_name(value: Any) -> str:
    """Return the name of an array's type, like `float32`."""
    return str(jnp.result_type(value))


def shaped(value: Any) -> str:
    """Return an array's type and shape, like `float32[32, 1]`."""
    return f"{type_name(value)}{list(jnp.shape(value))}"


def named(value: Any) -> str:
    """Return what a value is, in a few words."""
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    if is_array(value):
        return f"an array {shaped(value)}"
    return "None" if value is None else f"an object of type {type(value).__name__}"


def listed(mapping: Mapping[str, Any]) -> str:
    """Return the names in a mapping, in quotes."""
    return ", ".join(f"'{name}'" for name in mapping) or "nothing"


def at(path: Any) -> str:
    """Return a leaf's place in a tree; empty for a tree with one leaf."""
    return f" at {jax.tree_util.keystr(path)}" if path else ""


def shape_remedy(value: Any, size: int) -> str:
    """Return how to correct a metric that is not [batch]."""
    shape = jnp.shape(value) if is_array(value) else None
    if shape == ():
        return "take no mean over the batch here, it is taken of all examples"
    if shape is not None and len(shape) > 1 and shape[0] == size and shape[1:] == (1,):
        return f"squeeze its last dimension, and see that no [{size}, 1] met a [{size}] before"
    if shape is not None and shape[:1] == (size,):
        return "take the mean or the sum over the dimensions behind the first"
    return "return an array with one number for each example"
