"""The convolution's values and gradients against those that JAX derives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tuning_playbook.workloads.convolution import ORDER, Conv, convolve


def plain(image: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Return JAX's own convolution, padded as `SAME`."""
    return jax.lax.conv_general_dilated(
        image, kernel, (stride, stride), "SAME", dimension_numbers=ORDER
    )


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, 2), (3, 1), (3, 2), (5, 3)])
@pytest.mark.parametrize("side", [7, 8])
def test_values_and_gradients_equal_those_of_jax(side: int, size: int, stride: int) -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    image = jax.random.normal(keys[0], (4, side, side + 1, 3))
    kernel = jax.random.normal(keys[1], (size, size, 3, 2))
    expected, expected_backward = jax.vjp(lambda *x: plain(*x, stride), image, kernel)
    actual, backward = jax.vjp(lambda *x: convolve(*x, stride), image, kernel)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    gradient = jax.random.normal(keys[2], expected.shape)
    for one, other in zip(backward(gradient), expected_backward(gradient), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_bias_is_optional() -> None:
    image = jnp.ones((1, 4, 4, 2))
    with_bias = Conv(3).init(jax.random.key(0), image)["params"]
    without = Conv(3, use_bias=False).init(jax.random.key(0), image)["params"]
    assert set(with_bias) == {"kernel", "bias"}
    assert set(without) == {"kernel"}
