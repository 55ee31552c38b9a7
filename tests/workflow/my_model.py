"""A workload as a user would bring it: softmax regression on points of three clouds."""

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook import Hyperparameter, Metric

HOSTILE = "<script>alert(1)</script> '$(touch pwned)' `touch pwned` \"; touch pwned; {study} &amp;"


class MyModel:
    """Softmax regression on three clouds."""

    hyperparameters = (
        Hyperparameter(
            "flavour", "plain", "changes nothing", choices=("plain", HOSTILE), static=True
        ),
    )
    metrics = (Metric("loss", "cross entropy", "nat"), Metric("error_rate", "share wrong"))

    def load_data(self):
        random = np.random.default_rng(0)
        centre = random.normal(size=(3, 2))
        splits = {}
        for split, examples in (("train", 90), ("validation", 30)):
            label = np.arange(examples, dtype=np.int32) % 3
            point = centre[label] + 0.5 * random.normal(size=(examples, 2))
            splits[split] = {"point": point.astype(np.float32), "label": label}
        return splits

    def init(self, key, hyperparameters):
        return {"params": {"weight": 0.1 * jax.random.normal(key, (2, 3)), "bias": jnp.zeros(3)}}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        params = variables["params"]
        logits = batch["point"] @ params["weight"] + params["bias"]
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), batch["label"][:, None], axis=1)
        wrong = jnp.argmax(logits, axis=1) != batch["label"]
        return {"loss": -chosen[:, 0], "error_rate": wrong.astype(jnp.float32)}, {}
