"""The convolution's values and gradients against those that JAX derives."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import compiled
from tuning_playbook.workloads.convolution import ORDER, Conv, convolve


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
