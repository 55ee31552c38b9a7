"""Dropout at a rate that may be an argument of the compiled program, and that costs nothing at 0.

Flax's own takes the rate as a Python number, so that each rate would compile anew.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter

Rate = float | jax.Array
"""A Python float, known when the program is compiled, or a float32 scalar, its argument."""

DROPOUT = Hyperparameter(
    "dropout",
    0.0,
    "share of the units set to zero at a training step",
    low=0.0,
    high=0.99,
    off=0.0,
)


def is_off(value: Rate) -> bool:
    """Return whether a rate is the Python number 0, so that the program can leave its part out.

    A traced zero is not off: the program that it is an argument of must hold for any rate.
    """
    return not isinstance(value, jax.Array) and value == 0.0


def dropout(units: jax.Array, rate: Rate, key: jax.Array) -> jax.Array:
    """Set a share of the units to zero and scale up the rest, so that the mean stays.

    Args:
        units: Of any shape.
        rate: The share, at least 0 and below 1.
        key: Decides which.

    Example:
        >>> dropout(jnp.ones(4), 0.5, jax.random.key(0)).tolist()
        [0.0, 0.0, 2.0, 2.0]
    """
    keep = 1.0 - rate
    return jnp.where(jax.random.bernoulli(key, keep, units.shape), units / keep, 0.0)


class Dropout(nn.Module):
    """Dropout at training steps alone, with the random stream `dropout` of the model."""

    @nn.compact
    def __call__(self, units: jax.Array, rate: Rate, *, train: bool) -> jax.Array:
        """Return the units, a share of them set to zero where `train` is true."""
        if not train or is_off(rate):
            return units
        return dropout(units, rate, self.make_rng("dropout"))
