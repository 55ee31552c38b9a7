"""Small configurations of the built-in workloads, and what the tests do with them."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tuning_playbook.workloads.digits_mlp import DigitsMLP
from tuning_playbook.workloads.mnist5k_cnn import Mnist5kCNN
from tuning_playbook.workloads.mnist5k_resnet import Mnist5kResNet
from tuning_playbook.workloads.protocol import Arrays
from tuning_playbook.workloads.text_transformer import TextTransformer

BuiltIn = DigitsMLP | Mnist5kCNN | Mnist5kResNet | TextTransformer

WORKLOADS: dict[str, BuiltIn] = {
    "digits_mlp": DigitsMLP(),
    "mnist5k_cnn": Mnist5kCNN(),
    "mnist5k_resnet": Mnist5kResNet(),
    "text_transformer": TextTransformer(),
}

BATCH = 6
DRAWS = {"dropout": np.float32(0.3), "label_smoothing": np.float32(0.1)}
"""Dropout and label smoothing on, as the compiled program has them."""

SMALL_RESNET = {"width": 2, "virtual_batch_size": 4}
SMALL_TRANSFORMER = {"depth": 1, "width": 8, "heads": 2, "context_length": 16}

CONFIGURATIONS: list[tuple[str, dict[str, Any]]] = [
    ("digits_mlp", {"width": 8}),
    ("digits_mlp", {"width": 8, "normalization": "layer"} | DRAWS),
    ("digits_mlp", {"width": 8, "normalization": "batch"} | DRAWS),
    ("mnist5k_cnn", {"width": 2}),
    ("mnist5k_cnn", {"width": 2, "normalization": "layer", "activation": "gelu"} | DRAWS),
    ("mnist5k_cnn", {"width": 2, "normalization": "batch", "virtual_batch_size": 4} | DRAWS),
    ("mnist5k_resnet", SMALL_RESNET),
    ("mnist5k_resnet", SMALL_RESNET | {"normalization_position": "branch"} | DRAWS),
    ("mnist5k_resnet", SMALL_RESNET | {"normalization_position": "post"}),
    ("mnist5k_resnet", SMALL_RESNET | {"normalization": "layer", "first_block_stride": 1}),
    ("mnist5k_resnet", SMALL_RESNET | {"normalization": "none", "zero_init_residual": True}),
    ("text_transformer", SMALL_TRANSFORMER),
    ("text_transformer", SMALL_TRANSFORMER | {"normalization_position": "branch"} | DRAWS),
    ("text_transformer", SMALL_TRANSFORMER | {"normalization_position": "post"}),
    (
        "text_transformer",
        SMALL_TRANSFORMER | {"normalization": "none", "residual_scaling": "rezero"},
    ),
]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function compiled in a hurry: the tests compile much and compute little."""
    quickly: Callable[..., Any] = jax.jit(
        function, compiler_options={"xla_backend_optimization_level": 0}
    )
    return quickly


class Step(NamedTuple):
    """What a training step computes."""

    loss: jax.Array
    gradient: Any
    updated: Any


@functools.cache
def splits_of(name: str) -> Mapping[str, Arrays]:
    """Return a built-in workload's data, read once for all tests."""
    return WORKLOADS[name].load_data()


def batch_of(name: str, size: int = BATCH) -> dict[str, jax.Array]:
    """Return the first examples of the training set."""
    return {key: jnp.asarray(array[:size]) for key, array in splits_of(name)["train"].items()}


def configured(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return every hyperparameter of a workload: its default or the changed value."""
    declared = {item.name: item.default for item in WORKLOADS[name].hyperparameters}
    assert changes.keys() <= declared.keys()
    return declared | {
        key: jnp.asarray(value) if isinstance(value, np.float32) else value
        for key, value in changes.items()
    }


def variables_of(name: str, changes: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """Return variables with the shapes of the initial ones, drawn at random.

    They cost no compilation, and no part of a model is left out by a zero.
    """
    workload, hyperparameters = WORKLOADS[name], configured(name, changes)
    shapes = jax.eval_shape(lambda key: workload.init(key, hyperparameters), jax.random.key(0))
    generator = np.random.default_rng(seed)

    def draw(shape: jax.ShapeDtypeStruct) -> jax.Array:
        size = 1.0 / np.sqrt(max(1, np.prod(shape.shape[:-1], dtype=int)))
        return jnp.asarray(0.5 * size + size * generator.random(shape.shape), shape.dtype)

    return dict(jax.tree.map(draw, shapes))


def apply_to_batch(
    name: str, changes: Mapping[str, Any], variables: Any, *, seed: int = 0, train: bool = False
) -> tuple[dict[str, jax.Array], Any]:
    """Return what a workload makes of its first examples."""
    hyperparameters = configured(name, changes)

    def apply(variables: Any, key: jax.Array) -> Any:
        return WORKLOADS[name].apply(
            variables, batch_of(name), hyperparameters=hyperparameters, key=key, train=train
        )

    metrics, updated = compiled(apply)(variables, jax.random.key(seed))
    return metrics, updated


def train_step(
    name: str, changes: Mapping[str, Any], variables: Mapping[str, Any], key: jax.Array
) -> Step:
    """Return what one training step on the first batch computes."""
    hyperparameters = configured(name, changes)

    def loss(params: Any) -> tuple[jax.Array, Any]:
        metrics, updated = WORKLOADS[name].apply(
            {**variables, "params": params},
            batch_of(name),
            hyperparameters=hyperparameters,
            key=key,
            train=True,
        )
        return jnp.mean(metrics["loss"]), updated

    (value, updated), gradient = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    return Step(value, gradient, updated)
