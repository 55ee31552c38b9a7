"""What the built-in classifiers share: the use of a network, its loss and its metrics."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
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

ACTIVATIONS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "tanh": nn.tanh,
    "gelu": nn.gelu,
}
"""The nonlinearities to choose from, each by its name in a spec."""

DIGIT_METRICS = (
    Metric("loss", "mean cross entropy", "nat", low=0.0),
    Metric("error_rate", "share of images given a wrong digit", low=0.0, high=1.0),
)


class Classifier(ABC):
    """A workload that gives each image one of several classes; data and network are a subclass's.

    The data has `image` [examples, ...] and `label` [examples]; `dropout` and `label_smoothing`
    are among the hyperparameters, `loss` and `error_rate` are the metrics.

    Attributes:
        image_shape: The shape of one image, without the batch.
        image_type: The type of an image's numbers.
        label: The name of the array of classes.
    """

    image_shape: ClassVar[tuple[int, ...]]
    image_type: ClassVar[type[np.number[Any]]] = np.float32
    label = "label"

    @abstractmethod
    def model(self, hyperparameters: HyperparameterValues) -> nn.Module:
        """Return the network of a configuration.

        It is called as `model(image, train=..., dropout_rate=...)` and gives logits,
        [batch, classes].
        """

    def init(self, key: jax.Array, hyperparameters: HyperparameterValues) -> Variables:
        """Return the initial weights, and the running averages if there are any."""
        image = jnp.zeros((1, *self.image_shape), self.image_type)
        return self.model(hyperparameters).init(key, image)

    def apply(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        *,
        hyperparameters: HyperparameterValues,
        key: jax.Array,
        train: bool,
    ) -> tuple[Mapping[str, jax.Array], Variables]:
        """Return the loss and the error of each image, and the running averages after the step.

        Dropout and label smoothing apply only at a training step, and only there are the averages
        updated.
        """
        logits, updated = self.model(hyperparameters).apply(
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

    def predict(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        *,
        hyperparameters: HyperparameterValues,
    ) -> jax.Array:
        """Return the logits of each image outside of training, [batch, classes]."""
        return jnp.asarray(self.model(hyperparameters).apply(variables, batch["image"]))


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
    """Return 1 if the class of the largest logit is not the label, else 0; float32, [...]."""
    return (jnp.argmax(logits, axis=-1) != label).astype(jnp.float32)
