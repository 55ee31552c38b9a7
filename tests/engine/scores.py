"""A classifier of rare examples, whose metrics are no means over examples."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from tuning_playbook import Metric


class Scores:
    """Logistic regression, measured as scikit-learn does."""

    hyperparameters = ()
    metrics = (
        Metric("loss", "cross entropy", "nat"),
        Metric("auc", "area under the ROC curve", whole=True),
        Metric("f1", "harmonic mean of precision and recall", whole=True),
        Metric("balanced", "mean recall of the classes", whole=True),
        Metric("perplexity", "of the labels, weighted by the examples' weights", whole=True),
    )

    def load_data(self):
        random = np.random.default_rng(7)
        splits = {}
        for split, examples in {"train": 700, "validation": 611, "test": 307}.items():
            x = random.normal(size=(examples, 3)).astype(np.float32)
            score = x @ np.array([1.0, -1.0, 0.5]) + random.normal(size=examples)
            weight = random.integers(1, 9, examples).astype(np.float32)
            splits[split] = {"x": x, "y": (score > 1.5).astype(np.int32), "weight": weight}
        return splits

    def init(self, key, hyperparameters):
        return {"params": {"w": 0.1 * jax.random.normal(key, (3,)), "b": jnp.zeros(())}}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        return {"loss": self._loss(variables, batch)}, {}

    def predict(self, variables, batch, *, hyperparameters):
        return {"score": self._score(variables, batch), "loss": self._loss(variables, batch)}

    def summarize(self, outputs, examples):
        said, true = outputs["score"] > 0, examples["y"]
        return {
            "auc": roc_auc_score(true, outputs["score"]),
            "f1": f1_score(true, said),
            "balanced": balanced_accuracy_score(true, said),
            "perplexity": np.exp(np.average(outputs["loss"], weights=examples["weight"])),
        }

    def _score(self, variables, batch):
        params = variables["params"]
        return batch["x"] @ params["w"] + params["b"]

    def _loss(self, variables, batch):
        score = self._score(variables, batch)
        return jax.nn.softplus(score) - batch["y"] * score


def in_float64(variables, examples):
    """Return the metrics of a split as NumPy and scikit-learn compute them in float64."""
    params = {name: np.asarray(leaf, np.float64) for name, leaf in variables["params"].items()}
    score = examples["x"].astype(np.float64) @ params["w"] + params["b"]
    loss = np.logaddexp(0.0, score) - examples["y"] * score
    return {
        "loss": loss.mean(),
        "auc": roc_auc_score(examples["y"], score),
        "f1": f1_score(examples["y"], score > 0),
        "balanced": balanced_accuracy_score(examples["y"], score > 0),
        "perplexity": np.exp(np.average(loss, weights=examples["weight"])),
    }
