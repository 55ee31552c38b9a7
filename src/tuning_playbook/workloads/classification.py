"""What the built-in classifiers share: the loss, its label smoothing and the metrics."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.workloads.dropout import Rate, is_off
from tuning_playbook.workloads.protocol import HyperparameterValues, Variables

LABEL_SMOOTHING = Hyperparameter(
    "label_smoothing",
    0.0,
    "share of the training loss's target that is spread evenly over the classes",
    low=0.0,
    high=1.0,
    off=0.0,
)

DIGIT_METRICS = (
    Metric("loss", "mean cross entropy", "nat"),
    Metric("error_rate", "share of images given a wrong digit"),
)


def cross_entropy(logits: jax.Array, label: jax.Array, smoothing: Rate = 0.0) -> jax.Array:
    """Return the cross entropy of each example against its smoothed label, in nat.

    The target gives `smoothing / classes` to every class and the rest to the label's
    (Szegedy et al., "Rethinking the Inception Architecture", 2016).

    Args:
        logits: [..., classes].
        label: Integers below `classes`, [...].
        smoothing: At least 0, at most 1; 0 is the plain cross entropy and costs nothing.

    Returns:
        [...].

    Example:
        >>> round(float(cross_entropy(jnp.array([0.0, 0.0]), jnp.array(0), 0.1)), 4)  # ln 2
        0.6931
    """
    plain: jax.Array = optax.losses.softmax_cross_entropy_with_integer_labels(logits, label)
    if is_off(smoothing):
        return plain
    even = -jnp.mean(jax.nn.log_softmax(logits), axis=-1)
    return plain + smoothing * (even - plain)


def is_wrong(logits: jax.Array, label: jax.Array) -> jax.Array:
    """Return 1 where the class of the largest logit is not the label, else 0; float32, [...]."""
    return (jnp.argmax(logits, axis=-1) != label).astype(jnp.float32)


def logits_of(model: nn.Module, variables: Variables, batch: Mapping[str, jax.Array]) -> jax.Array:
    """Return what a classifier says of each image outside of training, [batch, classes]."""
    return jnp.asarray(model.apply(variables, batch["image"]))


def classify(
    model: nn.Module,
    variables: Variables,
    batch: Mapping[str, jax.Array],
    *,
    hyperparameters: HyperparameterValues,
    key: jax.Array,
    train: bool,
) -> tuple[Mapping[str, jax.Array], Variables]:
    """Return `DIGIT_METRICS` of each image, and the running averages after a training step.

    Args:
        model: Called as `model(image, train=..., dropout_rate=...)`, returns [batch, classes].
        variables: Its own.
        batch: `image` [batch, ...] and `label` [batch].
        hyperparameters: `dropout` and `label_smoothing` among them.
        key: Decides dropout.
        train: Only then are there dropout and label smoothing, and only then do averages move.
    """
    logits, updated = model.apply(
        variables,
        batch["image"],
        train=train,
        dropout_rate=hyperparameters["dropout"],
        rngs={"dropout": key},
        mutable=["batch_stats"] if train else [],
    )
    smoothing = hyperparameters["label_smoothing"] if train else 0.0
    loss = cross_entropy(logits, batch["label"], smoothing)
    return {"loss": loss, "error_rate": is_wrong(logits, batch["label"])}, updated
