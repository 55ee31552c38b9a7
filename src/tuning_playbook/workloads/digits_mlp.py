"""A multilayer perceptron on the 1,797 real 8x8 digits that ship with scikit-learn.

Data: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998 (CC BY 4.0), as `sklearn.datasets.load_digits` gives it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import sklearn.datasets
from flax import linen as nn
from sklearn.model_selection import train_test_split

from tuning_playbook.spec.declarations import Hyperparameter, Metric
from tuning_playbook.workloads.protocol import Arrays, HyperparameterValues, Variables

ACTIVATIONS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "tanh": nn.tanh,
    "gelu": nn.gelu,
}
VALIDATION_EXAMPLES = 300
TEST_EXAMPLES = 300
SPLIT_SEED = 0


class MLP(nn.Module):
    """Hidden layers of one width, and a linear layer of ten logits."""

    depth: int
    width: int
    activation: str

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Return the logits [batch, 10] of images [batch, 64] in [0, 1]."""
        hidden = image
        for _ in range(self.depth):
            hidden = ACTIVATIONS[self.activation](nn.Dense(self.width)(hidden))
        return nn.Dense(10)(hidden)


class DigitsMLP:
    """A multilayer perceptron on scikit-learn's handwritten digits (1,797 images of 8x8 pixels)."""

    hyperparameters = (
        Hyperparameter("depth", 2, "hidden layers", low=0, high=64, static=True),
        Hyperparameter("width", 128, "units of a hidden layer", low=1, static=True),
        Hyperparameter(
            "activation", "relu", "after each hidden layer", choices=tuple(ACTIVATIONS), static=True
        ),
    )
    metrics = (
        Metric("loss", "mean cross entropy", "nat"),
        Metric("error_rate", "share of images given a wrong digit"),
    )

    def load_data(self) -> Mapping[str, Arrays]:
        """Return 1,197 training, 300 validation and 300 test images, stratified by digit."""
        image, label = sklearn.datasets.load_digits(return_X_y=True)
        image = (image / 16.0).astype(np.float32)
        label = label.astype(np.int32)
        index = np.arange(len(label))
        rest, test = train_test_split(
            index, test_size=TEST_EXAMPLES, stratify=label, random_state=SPLIT_SEED
        )
        train, validation = train_test_split(
            rest, test_size=VALIDATION_EXAMPLES, stratify=label[rest], random_state=SPLIT_SEED
        )
        splits = {"train": train, "validation": validation, "test": test}
        return {
            split: {"image": image[chosen], "label": label[chosen]}
            for split, chosen in splits.items()
        }

    def data_files(self) -> list[Path]:
        """Return the files that the data stands in."""
        return [Path(sklearn.datasets.__file__).parent / "data" / "digits.csv.gz"]

    def init(self, key: jax.Array, hyperparameters: HyperparameterValues) -> Variables:
        """Return the initial weights."""
        return self._model(hyperparameters).init(key, jnp.zeros((1, 64)))

    def apply(
        self,
        variables: Variables,
        batch: Mapping[str, jax.Array],
        *,
        hyperparameters: HyperparameterValues,
        key: jax.Array,
        train: bool,
    ) -> tuple[Mapping[str, jax.Array], Variables]:
        """Return the loss and the error of each image; nothing here is random."""
        del key, train
        logits = self._model(hyperparameters).apply(variables, batch["image"])
        assert isinstance(logits, jax.Array)
        loss = optax.losses.softmax_cross_entropy_with_integer_labels(logits, batch["label"])
        wrong = jnp.argmax(logits, axis=-1) != batch["label"]
        return {"loss": loss, "error_rate": wrong.astype(jnp.float32)}, {}

    def _model(self, hyperparameters: HyperparameterValues) -> MLP:
        return MLP(
            depth=hyperparameters["depth"],
            width=hyperparameters["width"],
            activation=hyperparameters["activation"],
        )
