"""Dropout whose rate may be an argument of the compiled program, and which costs nothing at 0.

Flax's own takes the rate as a Python number, so each rate would need a new compilation.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter

Rate = float | jax.Array
"""A Python float, known at compile time, or a float32 scalar that the program takes as argument."""

DROPOUT = Hyperparameter(
    "dropout",
    0.0,
    "share of the units set to zero at a training step",
    low=0.0,
    high=0.99,
    off=0.0,
)


def is_off(value: Rate) -> bool:
    """Return whether a rate is the Python number 0, so that the program can omit dropout.

    A traced zero is not off: a program that takes the rate as an argument must work for any rate.
    """
    return not isinstance(value, jax.Array) and value == 0.0


def dropout(units: jax.Array, rate: Rate, key: jax.Array) -> jax.Array:
    """Set a share of the units to zero and scale up the rest, so that the mean does not change.

    Args:
        units: An array of any shape.
        rate: The share, at least 0 and below 1.
        key: The random key that decides which units.

    Example:
        >>> dropout(jnp.ones(4), 0.5, jax.random.key(0)).tolist()
        [0.0, 0.0, 2.0, 2.0]
    """
    keep = 1.0 - rate
    return jnp.where(jax.random.bernoulli(key, keep, units.shape), units / keep, 0.0)


class Dropout(nn.Module):
    """Dropout only at training steps, with the random stream `dropout` of the model."""

    @nn.compact
    def __call__(self, units: jax.Array, rate: Rate, *, train: bool) -> jax.Array:
        """Return the units; if `train` is true, a share of them is set to zero."""
        if not train or is_off(rate):
            return units
        return dropout(units, rate, self.make_rng("dropout"))
