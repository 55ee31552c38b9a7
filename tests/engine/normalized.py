"""A small network with batch normalization and noise: what a batch's parts could get wrong."""

import jax
import numpy as np
from flax import linen as nn

from tests.engine.quadratic import Quadratic
from tuning_playbook import Metric
from tuning_playbook.workloads import VIRTUAL_BATCH_SIZE, BatchNorm


class Network(nn.Module):
    virtual_batch_size: int

    @nn.compact
    def __call__(self, x, *, train=False, key=None):
        x = BatchNorm(self.virtual_batch_size)(nn.Dense(8)(x), train=train)
        if train:
            x = x + 0.1 * jax.random.normal(key, x.shape)
        return nn.Dense(1)(nn.tanh(x))[:, 0]


class Normalized:
    """Regression on a smooth function of four numbers."""

    hyperparameters = (VIRTUAL_BATCH_SIZE,)
    metrics = (Metric("loss", "half the squared error"),)
    host_fed = False

    def load_data(self):
        x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
        y = np.sin(x).sum(axis=1)
        return {
            split: {"x": x[part], "y": y[part]}
            for split, part in {"train": slice(259), "validation": slice(259, 300)}.items()
        }

    def init(self, key, hyperparameters):
        return self.network(hyperparameters).init(key, np.zeros((1, 4), np.float32))

    def apply(self, variables, batch, *, hyperparameters, key, train):
        network = self.network(hyperparameters)
        found, updated = network.apply(
            variables, batch["x"], train=train, key=key, mutable=["batch_stats"] if train else []
        )
        return {"loss": 0.5 * (found - batch["y"]) ** 2}, updated

    def predict(self, variables, batch, *, hyperparameters):
        return self.network(hyperparameters).apply(variables, batch["x"])

    def network(self, hyperparameters):
        return Network(hyperparameters["virtual_batch_size"])


class FedNormalized(Normalized):
    """The same, fed from the host."""

    host_fed = True


WORKLOADS = {"quadratic": Quadratic, "resident": Normalized, "fed": FedNormalized}
