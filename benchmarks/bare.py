"""The bare script: the same trainings as someone would write them for one use, as fast as can be.

    python bare.py [--norms] < trials.json

One process, plain JAX and optax, no files. A trial is one compiled program: a scan over the
evaluations, each after a scan over its steps. The learning rate, momentum, decay and seed are its
arguments, so each optimizer compiles once. Model, loss and data are the workload's own, and every
trial has the initial weights, the batches and the evaluations that it has in the project. Nothing
but losses and errors is measured; with `--norms` those of the gradient and the update too, as the
project does at every step.

Reads a JSON list of trials, and prints a JSON object: the seconds spent compiling, each trial's
seconds, its validation loss before the first step and its lowest validation error.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tuning_playbook.workloads.digits_mlp import DigitsMLP
from tuning_playbook.workloads.mnist5k_cnn import Mnist5kCNN

WORKLOADS = {"digits_mlp": DigitsMLP, "mnist5k_cnn": Mnist5kCNN}


def load_data(workload: Any) -> dict[str, Any]:
    """Return the training and validation sets, and a sample of training as large as validation."""
    splits = workload.load_data()
    size = len(splits["validation"]["label"])
    index = np.sort(np.random.default_rng(0).permutation(len(splits["train"]["label"]))[:size])
    sample = {name: array[index] for name, array in splits["train"].items()}
    chosen = {"train": splits["train"], "validation": splits["validation"], "sample": sample}
    return {name: jax.device_put(dict(split)) for name, split in chosen.items()}


def make_optimizer(name: str, values: dict[str, jax.Array]) -> optax.GradientTransformation:
    """Return Nesterov momentum or Adam, with decoupled weight decay."""
    if name == "nesterov":
        rule = optax.trace(decay=values["momentum"], nesterov=True)
    else:
        rule = optax.scale_by_adam(b1=values["b1"], b2=values["b2"], eps=values["epsilon"])
    return optax.chain(
        rule,
        optax.add_decayed_weights(values["weight_decay"]),
        optax.scale_by_learning_rate(values["learning_rate"]),
    )


def make_training(
    workload: Any, trial: dict[str, Any], data: dict[str, Any], *, norms: bool
) -> Callable[..., Any]:
    """Return a function of (seed, hyperparameters) that trains one trial from beginning to end."""
    hyperparameters = trial["hyperparameters"]
    optimizer_name = hyperparameters["optimizer"]
    steps, eval_every, batch_size = (
        trial[name] for name in ("max_train_steps", "eval_every", "batch_size")
    )
    examples = len(data["train"]["label"])
    steps_per_epoch = examples // batch_size
    epochs = -(-steps // steps_per_epoch)

    def train(seed: jax.Array, values: dict[str, jax.Array], data: dict[str, Any]) -> Any:
        optimizer = make_optimizer(optimizer_name, values)
        root = jax.random.key(seed)
        order_key = jax.random.fold_in(root, 1)
        params = workload.init(jax.random.fold_in(root, 0), hyperparameters)

        def shuffle(epoch: jax.Array) -> jax.Array:
            return jax.random.permutation(jax.random.fold_in(order_key, epoch), examples)

        orders = jax.lax.map(shuffle, jnp.arange(epochs))[:, : steps_per_epoch * batch_size]
        batches = orders.reshape(-1, batch_size)[:steps].reshape(-1, eval_every, batch_size)

        def measure(params: Any, batch: Any, *, train: bool = False) -> Any:
            values, _ = workload.apply(
                params, batch, hyperparameters=hyperparameters, key=root, train=train
            )
            return jnp.mean(values["loss"]), jnp.mean(values["error_rate"])

        def mean_loss(params: Any, batch: Any) -> jax.Array:
            loss: jax.Array = measure(params, batch, train=True)[0]
            return loss

        def step(state: Any, index: jax.Array) -> tuple[Any, tuple[jax.Array, ...]]:
            params, optimizer_state = state
            batch = {name: array[index] for name, array in data["train"].items()}
            loss, gradient = jax.value_and_grad(mean_loss)(params, batch)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state, params)
            logged = (optax.tree.norm(gradient), optax.tree.norm(updates)) if norms else ()
            return (optax.apply_updates(params, updates), optimizer_state), (loss, *logged)

        def evaluate(params: Any) -> Any:
            return measure(params, data["sample"]), measure(params, data["validation"])

        def interval(state: Any, indices: jax.Array) -> tuple[Any, Any]:
            state, logged = jax.lax.scan(step, state, indices)
            return state, (logged, evaluate(state[0]))

        first = evaluate(params)
        _, (logged, metrics) = jax.lax.scan(interval, (params, optimizer.init(params)), batches)
        return logged, first, metrics

    return train


def main() -> None:
    """Train the trials that stand on the standard input."""
    trials = json.load(sys.stdin)
    norms = "--norms" in sys.argv
    workload = WORKLOADS[trials[0]["workload"]]()
    data = load_data(workload)
    compiled: dict[str, Any] = {}
    compile_seconds = 0.0
    seconds, first_loss, lowest_error = [], [], []
    for trial in trials:
        name = trial["hyperparameters"]["optimizer"]
        values = {
            key: np.float32(value)
            for key, value in trial["hyperparameters"].items()
            if isinstance(value, float)
        }
        seed = np.uint32(trial["seed"])
        started = time.perf_counter()
        if name not in compiled:
            train = make_training(workload, trial, data, norms=norms)
            compiled[name] = jax.jit(train).lower(seed, values, data).compile()
            compile_seconds += time.perf_counter() - started
            started = time.perf_counter()
        _, first, metrics = jax.device_get(compiled[name](seed, values, data))
        seconds.append(time.perf_counter() - started)
        _, (loss, error) = first
        first_loss.append(float(loss))
        lowest_error.append(min(float(error), float(np.nanmin(metrics[1][1]))))
    print(
        json.dumps(
            {
                "compile_seconds": compile_seconds,
                "seconds": seconds,
                "first_loss": first_loss,
                "lowest_error": lowest_error,
            }
        )
    )


if __name__ == "__main__":
    main()
