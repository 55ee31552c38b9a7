"""A workload whose step is next to nothing, with as many metrics as a large one has."""

import jax
import numpy as np

from tuning_playbook import Metric


class Trivial:
    """Linear regression of four numbers."""

    hyperparameters = ()
    metrics = (
        Metric("loss", "half the squared error"),
        *(
            Metric(f"error_{power}", f"absolute error to the power {power}")
            for power in range(1, 6)
        ),
    )

    def load_data(self):
        """Return 64 training examples and 16 of validation."""
        random = np.random.default_rng(0)
        return {
            split: {
                "x": random.normal(size=(examples, 4)).astype(np.float32),
                "y": np.ones(examples, np.float32),
            }
            for split, examples in (("train", 64), ("validation", 16))
        }

    def init(self, key, hyperparameters):
        """Return four weights."""
        return {"params": {"w": 0.1 * jax.random.normal(key, (4,))}}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        """Return loss and metrics of each example."""
        error = abs(batch["x"] @ variables["params"]["w"] - batch["y"])
        metrics = {f"error_{power}": error**power for power in range(1, 6)}
        return {"loss": 0.5 * error**2} | metrics, {}
