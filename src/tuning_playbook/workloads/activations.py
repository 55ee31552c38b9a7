"""The nonlinearities that the built-in models choose from."""

from collections.abc import Callable, Mapping

import jax
from flax import linen as nn

ACTIVATIONS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "tanh": nn.tanh,
    "gelu": nn.gelu,
}
"""Each by its name in a spec."""
