"""Linear regression in four dimensions: compiling it is most of the work."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook import Hyperparameter, Metric
from tuning_playbook.study.families import training_hyperparameters
from tuning_playbook.trials.trial import Trial


class Quadratic:
    """Linear regression with input noise as its dropout."""

    hyperparameters = (
        Hyperparameter("noise", 0.0, "standard deviation of noise on the inputs", low=0.0, off=0.0),
        Hyperparameter("bias", False, "whether there is a constant", static=True),
    )
    metrics = (Metric("loss", "half the squared error"), Metric("large", "share of large errors"))

    def load_data(self):
        random = np.random.default_rng(0)
        splits = {}
        for split, size in {"train": 50, "validation": 21}.items():
            x = random.normal(size=(size, 4)).astype(np.float32)
            y = (x @ np.array([1.0, -2.0, 3.0, 0.5], np.float32)).astype(np.float32)
            splits[split] = {"x": x, "y": y}
        return splits

    def init(self, key, hyperparameters):
        params = {"w": 0.1 * jax.random.normal(key, (4,))}
        if hyperparameters["bias"]:
            params["b"] = jnp.zeros(())
        return {"params": params}

    def apply(self, variables, batch, *, hyperparameters, key, train):
        params, x = variables["params"], batch["x"]
        noise = hyperparameters["noise"]
        if train and not (isinstance(noise, float) and noise == 0.0):
            x = x + noise * jax.random.normal(key, x.shape)
        error = x @ params["w"] + params.get("b", 0.0) - batch["y"]
        large = (jnp.abs(error) > 0.1).astype(jnp.float32)
        return {"loss": 0.5 * error**2, "large": large}, {}


DEFAULTS = {
    item.name: item.default
    for item in (
        *training_hyperparameters({"optimizer": "sgd", "schedule": "constant"}, {}),
        *Quadratic.hyperparameters,
    )
} | {"optimizer": "sgd"}


def make_trial(seed=0, **changes):
    """Return a trial of 40 steps; `changes` are fields of the trial, or hyperparameters."""
    fields = {field.name for field in dataclasses.fields(Trial)}
    trial = Trial(
        workload="tests",
        hyperparameters=DEFAULTS | {n: v for n, v in changes.items() if n not in fields},
        seed=seed,
        max_train_steps=40,
        batch_size=8,
        eval_every=10,
        dense_until=0,
        validation_sample=0,
        keep_best=3,
        objective={"metric": "validation/loss", "mode": "min"},
        lanes=1,
        versions={},
    )
    return dataclasses.replace(trial, **{n: v for n, v in changes.items() if n in fields})
