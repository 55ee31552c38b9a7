"""A character-level Transformer language model on English prose; see `scipy_text` for its source.

The model is the decoder of A. Vaswani et al., "Attention Is All You Need", 2017, with learned
positions; normalization before the branch as in R. Xiong et al., "On Layer Normalization in the
Transformer Architecture", 2020; residual scaling as in T. Bachlechner et al., "ReZero Is All You
Need", 2020.

Expected: 300 steps of Adam at a learning rate of 0.003, batch size 16, the rest at its default,
reach a validation loss of 2.18 to 2.22 nats a character on five seeds. On a shared machine of 2
cores that took 17 s, and 18 s to compile (`python -m benchmarks workloads`).
"""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.workloads.classification import LABEL_SMOOTHING, cross_entropy, is_wrong
from tuning_playbook.workloads.dropout import DROPOUT, Dropout, Rate
from tuning_playbook.workloads.normalization import NORMALIZATION_POSITION
from tuning_playbook.workloads.protocol import Arrays, HyperparameterValues, Variables
from tuning_playbook.workloads.scipy_text import ALPHABET, load_windows, text_files

WINDOW = 128
"""Characters that an example predicts; it is cut into as many contexts as fit."""

EMBEDDING = nn.initializers.normal(0.02)


class Residual(nn.Module):
    """A branch, normalised and scaled, and added to its input.

    Attributes:
        branch: Maps [batch, context, width] to the same shape.
        normalization: `layer` or `none`.
        position: `pre` for x + f(Norm(x)), `branch` for x + Norm(f(x)), `post` for Norm(x + f(x)).
        rezero: Whether the branch is multiplied by a parameter that starts at zero.
    """

    branch: nn.Module
    normalization: str
    position: str
    rezero: bool

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool, dropout_rate: Rate) -> jax.Array:
        """Return x [batch, context, width] with the branch added."""

        def normalise(units: jax.Array, position: str) -> jax.Array:
            if self.position != position or self.normalization == "none":
                return units
            return jnp.asarray(nn.LayerNorm()(units))

        branch = self.branch(normalise(x, "pre"))
        branch = Dropout()(branch, dropout_rate, train=train)
        branch = normalise(branch, "branch")
        if self.rezero:
            branch = branch * self.param("residual_scale", nn.initializers.zeros, ())
        return normalise(x + branch, "post")


class CausalAttention(nn.Module):
    """Self-attention of each position to itself and to earlier positions."""

    heads: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the attention of x, [batch, context, width], in the same shape."""
        mask = nn.make_causal_mask(x[..., 0])
        return jnp.asarray(nn.MultiHeadDotProductAttention(self.heads)(x, mask=mask))


class FeedForward(nn.Module):
    """Two layers with four times as many units between them."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the layers' output for x, [batch, context, width], in the same shape."""
        width = x.shape[-1]
        return nn.Dense(width)(nn.gelu(nn.Dense(4 * width)(x)))


class Transformer(nn.Module):
    """Embeddings, blocks of attention and feed-forward layers, and the next character's logits."""

    depth: int
    width: int
    heads: int
    normalization: str
    position: str
    rezero: bool

    @nn.compact
    def __call__(
        self, text: jax.Array, *, train: bool = False, dropout_rate: Rate = 0.0
    ) -> jax.Array:
        """Return logits [batch, context, characters] of text [batch, context], integers.

        The logits at a position are for the next character, and depend on no character after it.
        """
        residual = partial(
            Residual,
            normalization=self.normalization,
            position=self.position,
            rezero=self.rezero,
        )
        hidden = nn.Embed(len(ALPHABET), self.width, embedding_init=EMBEDDING)(text)
        hidden += self.param("positions", EMBEDDING, (text.shape[1], self.width))
        hidden = Dropout()(hidden, dropout_rate, train=train)
        for _ in range(self.depth):
            for branch in (CausalAttention(self.heads), FeedForward()):
                hidden = residual(branch)(hidden, train=train, dropout_rate=dropout_rate)
        if self.normalization == "layer" and self.position != "post":
            hidden = nn.LayerNorm()(hidden)
        return nn.Dense(len(ALPHABET))(hidden)


class TextTransformer:
    """A character-level Transformer on SciPy's documentation of hypothesis tests."""

    hyperparameters = (
        Hyperparameter(
            "depth", 2, "blocks of attention and feed-forward layers", low=1, high=64, static=True
        ),
        Hyperparameter("width", 64, "units of each character's state", low=1, static=True),
        Hyperparameter("heads", 4, "of attention; divides the width", low=1, static=True),
        Hyperparameter(
            "context_length",
            64,
            "characters that a prediction may look back on, itself counted",
            choices=(8, 16, 32, 64, 128),
            static=True,
        ),
        Hyperparameter(
            "normalization",
            "layer",
            "of each residual block",
            choices=("none", "layer"),
            static=True,
        ),
        NORMALIZATION_POSITION,
        Hyperparameter(
            "residual_scaling",
            "none",
            "rezero multiplies each residual branch by a parameter that starts at zero",
            choices=("none", "rezero"),
            static=True,
        ),
        DROPOUT,
        LABEL_SMOOTHING,
    )
    metrics = (
        Metric("loss", "mean cross entropy of a character", "nat", low=0.0),
        Metric("error_rate", "share of characters predicted wrong", low=0.0, high=1.0),
        Metric("bits_per_character", "mean cross entropy of a character", "bit", low=0.0),
    )

    def load_data(self) -> Mapping[str, Arrays]:
        """Return 2,801 training, 349 validation and 349 test windows of 129 characters."""
        return load_windows(WINDOW)

    def data_files(self) -> list[Path]:
        """Return the files that contain the data."""
        return text_files()

    def init(self, key: jax.Array, hyperparameters: HyperparameterValues) -> Variables:
        """Return the initial weights."""
        text = jnp.zeros((1, hyperparameters["context_length"]), jnp.int32)
        return self.model(hyperparameters).init(key, text)

    def apply(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        *,
        hyperparameters: HyperparameterValues,
        key: jax.Array,
        train: bool,
    ) -> tuple[Mapping[str, jax.Array], Variables]:
        """Return the metrics of each window, means over its characters.

        A window is cut into contexts of `context_length`, so the same characters are predicted
        whatever its value.
        """
        text = batch["text"].astype(jnp.int32)  # [batch, WINDOW + 1]
        contexts = (-1, hyperparameters["context_length"])
        label = text[:, 1:].reshape(contexts)
        logits = self.model(hyperparameters).apply(
            variables,
            text[:, :-1].reshape(contexts),
            train=train,
            dropout_rate=hyperparameters["dropout"],
            rngs={"dropout": key},
        )
        assert isinstance(logits, jax.Array)
        smoothing = hyperparameters["label_smoothing"] if train else 0.0

        def window_mean(values: jax.Array) -> jax.Array:
            return jnp.mean(values.reshape(text.shape[0], WINDOW), axis=1)

        return {
            "loss": window_mean(cross_entropy(logits, label, smoothing)),
            "error_rate": window_mean(is_wrong(logits, label)),
            "bits_per_character": window_mean(cross_entropy(logits, label)) / math.log(2.0),
        }, {}

    def predict(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        *,
        hyperparameters: HyperparameterValues,
    ) -> jax.Array:
        """Return the logits [batch, characters] of each window's last character.

        They depend on the `context_length` characters before it.
        """
        before = batch["text"][:, -1 - hyperparameters["context_length"] : -1].astype(jnp.int32)
        logits = self.model(hyperparameters).apply(variables, before)
        assert isinstance(logits, jax.Array)
        return logits[:, -1]

    def model(self, hyperparameters: HyperparameterValues) -> Transformer:
        """Return the network of a configuration.

        Raises:
            InfeasibleConfigurationError: The heads do not divide the width.
        """
        width, heads = hyperparameters["width"], hyperparameters["heads"]
        if width % heads:
            raise InfeasibleConfigurationError(f"{heads} heads do not divide a width of {width}")
        return Transformer(
            depth=hyperparameters["depth"],
            width=width,
            heads=heads,
            normalization=hyperparameters["normalization"],
            position=hyperparameters["normalization_position"],
            rezero=hyperparameters["residual_scaling"] == "rezero",
        )
