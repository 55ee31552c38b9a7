"""The convolution's values and gradients against those that JAX derives, and who must use it."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import compiled
from tuning_playbook.workloads.cifar10 import CIFAR10
from tuning_playbook.workloads.convolution import ORDER, Conv, convolve
from tuning_playbook.workloads.mnist5k_cnn import Mnist5kCNN
from tuning_playbook.workloads.mnist5k_resnet import Mnist5kResNet

IMAGE_NETWORKS: list[tuple[Any, tuple[int, ...]]] = [
    (CIFAR10(Path("nowhere")), (4, 3, 32, 32)),
    (Mnist5kCNN(), (4, 28, 28, 1)),
    (Mnist5kResNet(), (4, 28, 28, 1)),
]


def plain(image: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Return JAX's own convolution, padded as `SAME`."""
    return jax.lax.conv_general_dilated(
        image, kernel, (stride, stride), "SAME", dimension_numbers=ORDER
    )


@pytest.mark.parametrize(
    ("side", "size", "stride"), [(8, 1, 1), (7, 3, 1), (7, 3, 2), (8, 3, 2), (7, 5, 3)]
)
def test_values_and_gradients_equal_those_of_jax(side: int, size: int, stride: int) -> None:
    generator = np.random.default_rng(0)
    image = generator.normal(size=(4, side, side + 1, 3)).astype(np.float32)
    kernel = generator.normal(size=(size, size, 3, 2)).astype(np.float32)

    def value_and_gradients(image: jax.Array, kernel: jax.Array) -> Any:
        results = []
        for convolution in (convolve, plain):
            value, backward = jax.vjp(partial(convolution, stride=stride), image, kernel)
            results.append((value, *backward(jnp.cos(value))))
        return results

    for actual, expected in zip(*compiled(value_and_gradients)(image, kernel), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_bias_is_optional() -> None:
    for use_bias, names in ((True, {"kernel", "bias"}), (False, {"kernel"})):
        init = partial(Conv(3, use_bias=use_bias).init, jax.random.key(0))
        assert set(jax.eval_shape(init, jnp.ones((1, 4, 4, 2)))["params"]) == names


@pytest.mark.parametrize(
    ("workload", "shape"), IMAGE_NETWORKS, ids=lambda value: type(value).__name__
)
def test_every_convolution_of_a_training_step_has_the_order_that_is_fast_in_a_loop(
    workload: Any, shape: tuple[int, ...]
) -> None:
    hyperparameters = {item.name: item.default for item in workload.hyperparameters}
    batch = {
        "image": jax.ShapeDtypeStruct(shape, np.float32),
        "label": jax.ShapeDtypeStruct(shape[:1], np.int32),
    }

    def loss(params: Any, rest: Any, batch: Any) -> jax.Array:
        metrics, _ = workload.apply(
            {**rest, "params": params},
            batch,
            hyperparameters=hyperparameters,
            key=jax.random.key(0),
            train=True,
        )
        return jnp.mean(metrics["loss"])

    init = partial(workload.init, hyperparameters=hyperparameters)
    variables = dict(jax.eval_shape(init, jax.random.key(0)))
    params = variables.pop("params")
    program = jax.jit(jax.grad(loss)).lower(params, variables, batch).as_text()
    orders = re.findall(r"dim_numbers = (\[.*?\]x\[.*?\]->\[.*?\])", program)
    assert len(orders) > 2
    assert set(orders) == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}
