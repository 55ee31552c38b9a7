"""A workload that takes as much memory or time as it is told to."""

import time

import jax
import numpy as np

from tuning_playbook import Hyperparameter, Metric


class Hungry:
    """Linear regression that may take too much."""

    hyperparameters = (
        Hyperparameter(
            "takes", "nothing", "of what", choices=("nothing", "memory", "time"), static=True
        ),
    )
    metrics = (Metric("loss", "half the squared error"),)

    def load_data(self):
        random = np.random.default_rng(0)
        sizes = {"train": 64, "validation": 16}
        drawn = {
            split: random.normal(size=(count, 4)).astype(np.float32)
            for split, count in sizes.items()
        }
        return {split: {"x": x, "y": x[:, 0]} for split, x in drawn.items()}

    def init(self, key, hyperparameters):
        if hyperparameters["takes"] == "memory":
            self.ballast = np.ones(3 * 2**30, np.int8)
        if hyperparameters["takes"] != "nothing":
            time.sleep(600)
        return {"params": {"w": 0.1 * jax.random.normal(key, (4,))}}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        error = batch["x"] @ variables["params"]["w"] - batch["y"]
        return {"loss": 0.5 * error**2}, {}
