"""Linear regression in four dimensions: compiling it is most of the work."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook import Hyperparameter, Metric
from tuning_playbook.study.families import choices_of, training_hyperparameters
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.normalization import VIRTUAL_BATCH_SIZE


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


BEST_LOSS = CheckpointSelection("validation/loss", "min", keep=3)


def request_for(trials):
    """Return the request of a job that trains these trials."""
    return PackRequest(tuple(trials), import_from="", data_folder="", selection=BEST_LOSS)


def traced(values):
    """Return the names of the hyperparameters that a compiled program takes as arguments."""
    declared = [
        *training_hyperparameters(choices_of(values), {}),
        *Quadratic.hyperparameters,
        VIRTUAL_BATCH_SIZE,
    ]
    return tuple(sorted(d.name for d in declared if d.name in values and d.traced(values[d.name])))


def make_trial(seed=0, **changes):
    """Return a trial of 40 steps; `changes` are fields of the trial, or hyperparameters."""
    fields = {field.name for field in dataclasses.fields(Trial)}
    values = DEFAULTS | {n: v for n, v in changes.items() if n not in fields}
    trial = Trial(
        workload="tests",
        hyperparameters=values,
        traced=traced(values),
        seed=seed,
        max_train_steps=40,
        batch_size=8,
        eval_every=10,
        dense_until=0,
        validation_sample=0,
        lanes=1,
        versions={},
    )
    return dataclasses.replace(trial, **{n: v for n, v in changes.items() if n in fields})
