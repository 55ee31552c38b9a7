"""A small convolutional network on 5,000 real MNIST images; see `mnist5k` for their source.

Expected: 400 steps of Adam at a learning rate of 0.003, batch size 64, dropout 0.25, the rest at
its default, reach a validation error of 1.8 to 2.4 % on five seeds. On a shared machine of 2 cores
that took 6 s, and 5 s to compile (`python -m benchmarks workloads`).
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter
from tuning_playbook.workloads.classification import ACTIVATIONS, LABEL_SMOOTHING
from tuning_playbook.workloads.convolution import Conv
from tuning_playbook.workloads.dropout import DROPOUT, Dropout, Rate
from tuning_playbook.workloads.mnist5k import Mnist5kClassifier
from tuning_playbook.workloads.normalization import (
    NORMALIZATIONS,
    VIRTUAL_BATCH_SIZE,
    Normalization,
)
from tuning_playbook.workloads.protocol import HyperparameterValues


class CNN(nn.Module):
    """Blocks of convolution, normalization, activation and pooling, then ten logits.

    Each block halves height and width, and has twice the channels of the one before.
    """

    depth: int
    width: int
    activation: str
    normalization: str
    virtual_batch_size: int

    @nn.compact
    def __call__(
        self, image: jax.Array, *, train: bool = False, dropout_rate: Rate = 0.0
    ) -> jax.Array:
        """Return the logits [batch, 10] of images [batch, 28, 28, 1] in [0, 1]."""
        hidden = image
        for block in range(self.depth):
            hidden = Conv(self.width * 2**block)(hidden)
            hidden = Normalization(self.normalization, self.virtual_batch_size)(hidden, train=train)
            hidden = max_pool(ACTIVATIONS[self.activation](hidden))
        hidden = hidden.reshape(hidden.shape[0], -1)
        hidden = Dropout()(hidden, dropout_rate, train=train)
        return nn.Dense(10)(hidden)


def max_pool(image: jax.Array) -> jax.Array:
    """Return the largest of each 2x2 pixels; an odd last row or column is left out.

    On a CPU the gradient of this plain maximum is several times as fast as that of `nn.max_pool`.

    Args:
        image: [batch, height, width, channels].

    Returns:
        [batch, height / 2, width / 2, channels], sizes rounded down.
    """
    batch, height, width, channels = image.shape
    height, width = height // 2, width // 2
    squares = image[:, : 2 * height, : 2 * width].reshape(batch, height, 2, width, 2, channels)
    return jnp.max(squares, axis=(2, 4))


class Mnist5kCNN(Mnist5kClassifier):
    """A convolutional network on 5,000 MNIST digits (28x28 pixels)."""

    hyperparameters = (
        Hyperparameter("depth", 2, "convolutions", low=1, high=4, static=True),
        Hyperparameter(
            "width", 16, "channels of the first convolution, doubled by each", low=1, static=True
        ),
        Hyperparameter(
            "activation", "relu", "after each convolution", choices=tuple(ACTIVATIONS), static=True
        ),
        Hyperparameter(
            "normalization", "none", "before each activation", choices=NORMALIZATIONS, static=True
        ),
        VIRTUAL_BATCH_SIZE,
        DROPOUT,
        LABEL_SMOOTHING,
    )

    def model(self, hyperparameters: HyperparameterValues) -> CNN:
        """Return the network of a configuration."""
        return CNN(
            depth=hyperparameters["depth"],
            width=hyperparameters["width"],
            activation=hyperparameters["activation"],
            normalization=hyperparameters["normalization"],
            virtual_batch_size=hyperparameters["virtual_batch_size"],
        )
