"""The default configuration against a perceptron written out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from tests.workloads.examples import WORKLOADS, batch_of, configured


class Written(nn.Module):
    """What the default configuration is, without any choice."""

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        hidden = nn.relu(nn.Dense(128)(image))
        hidden = nn.relu(nn.Dense(128)(hidden))
        return nn.Dense(10)(hidden)


def test_defaults_are_a_plain_perceptron_bit_for_bit() -> None:
    workload, hyperparameters = WORKLOADS["digits_mlp"], configured("digits_mlp", {})
    key, batch = jax.random.key(3), batch_of("digits_mlp", 32)
    variables = workload.init(key, hyperparameters)
    written = Written().init(key, jnp.zeros((1, 64)))
    jax.tree.map(np.testing.assert_array_equal, variables, written)
    metrics, updated = workload.apply(
        variables, batch, hyperparameters=hyperparameters, key=key, train=True
    )
    logits = Written().apply(written, batch["image"])
    loss = optax.losses.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
    np.testing.assert_array_equal(metrics["loss"], loss)
    assert updated == {}
