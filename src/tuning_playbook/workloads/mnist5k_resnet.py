"""A small wide residual network on 5,000 real MNIST images; see `mnist5k` for their source.

The model follows S. Zagoruyko and N. Komodakis, "Wide Residual Networks", 2016, and, where
normalization does not come first, K. He et al., "Deep Residual Learning", 2015.

Expected: 300 steps of momentum 0.9 at a learning rate of 0.1, batch size 64, width 8, the rest at
its default, reach a validation error of 3.2 to 5.4 % on five seeds. On a shared machine of 2 cores
that took 10 s, and 19 s to compile (`python -m benchmarks workloads`).
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter
from tuning_playbook.workloads.classification import LABEL_SMOOTHING
from tuning_playbook.workloads.convolution import Conv
from tuning_playbook.workloads.dropout import DROPOUT, Dropout, Rate
from tuning_playbook.workloads.mnist5k import Mnist5kClassifier
from tuning_playbook.workloads.normalization import (
    NORMALIZATION_POSITION,
    NORMALIZATIONS,
    VIRTUAL_BATCH_SIZE,
    Normalization,
)
from tuning_playbook.workloads.protocol import HyperparameterValues

STAGES = 3


class ResidualBlock(nn.Module):
    """A shortcut and a branch of two convolutions, added.

    Attributes:
        width: Channels of the output.
        stride: Stride of the first convolution and of the shortcut.
        normalization: One of `NORMALIZATIONS`.
        virtual_batch_size: Examples over which batch normalization takes its statistics.
        position: Where the block is normalised. `pre`: before each convolution, with the
            activation, x + f(Norm(x)). `branch`: after each convolution, x + Norm(f(x)). `post`:
            after the first convolution and after the addition, Norm(x + f(x)).
        zero_init: Whether the branch starts at zero: through the scale of the normalization at its
            end, or, if there is none, through the kernel of its last convolution.
    """

    width: int
    stride: int
    normalization: str
    virtual_batch_size: int
    position: str
    zero_init: bool

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool, dropout_rate: Rate) -> jax.Array:
        """Return [batch, height / stride, width / stride, channels], sizes rounded up."""
        normalization = partial(Normalization, self.normalization, self.virtual_batch_size)
        normalised_last = self.position == "branch" and self.normalization != "none"
        conv = partial(Conv, use_bias=self.normalization == "none", kernel_init=HE)
        last = nn.initializers.zeros if self.zero_init and not normalised_last else HE

        inside = x
        if self.position == "pre":
            inside = nn.relu(normalization()(x, train=train))
        branch = conv(self.width, stride=self.stride)(inside)
        branch = nn.relu(normalization()(branch, train=train))
        branch = Dropout()(branch, dropout_rate, train=train)
        branch = conv(self.width, kernel_init=last)(branch)
        if self.position == "branch":
            branch = normalization(zero_scale=self.zero_init)(branch, train=train)

        if self.stride > 1 or x.shape[-1] != self.width:
            x = nn.Dense(self.width, use_bias=False)(inside[:, :: self.stride, :: self.stride])
        if self.position == "pre":
            return x + branch
        if self.position == "post":
            return nn.relu(normalization()(x + branch, train=train))
        return nn.relu(x + branch)


HE = nn.initializers.he_normal()
"""Keeps the scale of a convolution's output where a ReLU halves it."""


class ResNet(nn.Module):
    """A convolution, three stages of residual blocks, the mean over the image, ten logits.

    Each stage has twice the channels of the one before; the first block of the second and of the
    third halves height and width.

    Attributes:
        depth: Blocks per stage.
        width: Channels of the first stage.
        first_stride: Stride of the very first block.
        normalization: One of `NORMALIZATIONS`.
        virtual_batch_size: Examples over which batch normalization takes its statistics.
        position: As in `ResidualBlock`.
        zero_init: As in `ResidualBlock`.
    """

    depth: int
    width: int
    first_stride: int
    normalization: str
    virtual_batch_size: int
    position: str
    zero_init: bool

    @nn.compact
    def __call__(
        self, image: jax.Array, *, train: bool = False, dropout_rate: Rate = 0.0
    ) -> jax.Array:
        """Return the logits [batch, 10] of images [batch, 28, 28, 1] in [0, 1]."""
        normalization = partial(Normalization, self.normalization, self.virtual_batch_size)
        hidden = Conv(self.width, use_bias=self.normalization == "none", kernel_init=HE)(image)
        if self.position != "pre":
            hidden = nn.relu(normalization()(hidden, train=train))
        for stage in range(STAGES):
            for block in range(self.depth):
                stride = 1 if block else 2 if stage else self.first_stride
                hidden = ResidualBlock(
                    self.width * 2**stage,
                    stride,
                    self.normalization,
                    self.virtual_batch_size,
                    self.position,
                    self.zero_init,
                )(hidden, train=train, dropout_rate=dropout_rate)
        if self.position == "pre":
            hidden = nn.relu(normalization()(hidden, train=train))
        return nn.Dense(10)(jnp.mean(hidden, axis=(1, 2)))


class Mnist5kResNet(Mnist5kClassifier):
    """A wide residual network on 5,000 MNIST digits (28x28 pixels)."""

    hyperparameters = (
        Hyperparameter("depth", 1, "residual blocks of each stage", low=1, high=8, static=True),
        Hyperparameter(
            "width", 16, "channels of the first stage, doubled by each", low=1, static=True
        ),
        Hyperparameter(
            "first_block_stride",
            2,
            "pixels from one output of the first residual block to the next",
            choices=(1, 2),
            static=True,
        ),
        Hyperparameter(
            "normalization", "batch", "of each convolution", choices=NORMALIZATIONS, static=True
        ),
        VIRTUAL_BATCH_SIZE,
        NORMALIZATION_POSITION,
        Hyperparameter(
            "zero_init_residual", False, "whether residual branches start at zero", static=True
        ),
        DROPOUT,
        LABEL_SMOOTHING,
    )

    def model(self, hyperparameters: HyperparameterValues) -> ResNet:
        """Return the network of a configuration."""
        return ResNet(
            depth=hyperparameters["depth"],
            width=hyperparameters["width"],
            first_stride=hyperparameters["first_block_stride"],
            normalization=hyperparameters["normalization"],
            virtual_batch_size=hyperparameters["virtual_batch_size"],
            position=hyperparameters["normalization_position"],
            zero_init=hyperparameters["zero_init_residual"],
        )
