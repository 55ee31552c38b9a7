"""The residual block: where it starts, and where it is normalised."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import batch_of, compiled, configured
from tuning_playbook.workloads.mnist5k_resnet import Mnist5kResNet, ResidualBlock

IMAGE = jax.random.normal(jax.random.key(1), (4, 6, 6, 2))


def block(position: str, normalization: str, zero_init: bool, stride: int = 1) -> ResidualBlock:
    return ResidualBlock(
        width=2,
        stride=stride,
        normalization=normalization,
        virtual_batch_size=0,
        position=position,
        zero_init=zero_init,
    )


def outputs(model: ResidualBlock, image: jax.Array) -> Any:
    """Return what an initial block gives at evaluation and at a training step."""

    def of_initial(image: jax.Array) -> Any:
        variables = model.init(jax.random.key(0), image, train=False, dropout_rate=0.0)
        return [
            model.apply(variables, image, train=train, dropout_rate=0.0, mutable=["batch_stats"])[0]
            for train in (False, True)
        ]

    return compiled(of_initial)(image)


@pytest.mark.parametrize("normalization", ["none", "layer", "batch"])
@pytest.mark.parametrize("position", ["pre", "branch"])
def test_a_zero_branch_makes_the_block_the_identity(position: str, normalization: str) -> None:
    # Where the block ends in a ReLU, what it is given came out of one.
    image = IMAGE if position == "pre" else jax.nn.relu(IMAGE)
    for out in outputs(block(position, normalization, True), image):
        np.testing.assert_array_equal(out, image)
    for out in outputs(block(position, normalization, False), image):
        assert not np.allclose(out, image, atol=1e-2)


def test_a_zero_branch_leaves_the_normalised_input_where_the_sum_is_normalised() -> None:
    image = jax.nn.relu(IMAGE)
    mean, variance = image.mean((1, 2, 3), keepdims=True), image.var((1, 2, 3), keepdims=True)
    expected = jax.nn.relu((image - mean) / jnp.sqrt(variance + 1e-6))
    for out in outputs(block("post", "layer", True), image):
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("position", ["pre", "branch", "post"])
@pytest.mark.parametrize("normalization", ["none", "layer", "batch"])
def test_a_zero_branch_learns(position: str, normalization: str) -> None:
    model = block(position, normalization, True)
    image = jax.nn.relu(IMAGE)

    def gradient(image: jax.Array) -> Any:
        variables = dict(model.init(jax.random.key(0), image, train=False, dropout_rate=0.0))

        def total(branch: Any) -> jax.Array:
            moved = variables | {"params": variables["params"] | {last: branch}}
            out, _ = model.apply(
                moved, image, train=True, dropout_rate=0.0, mutable=["batch_stats"]
            )
            return jnp.sum(out**3)

        return jax.grad(total)(variables["params"][last])

    last = "Normalization_1" if position == "branch" and normalization != "none" else "Conv_1"
    leaves = jax.tree.leaves(compiled(gradient)(image))
    assert all(np.all(np.isfinite(leaf)) and np.any(leaf) for leaf in leaves)


@pytest.mark.parametrize(("stride", "sides"), [(1, (28, 14, 7)), (2, (14, 7, 4))])
def test_stride_of_the_first_block(stride: int, sides: tuple[int, ...]) -> None:
    changes = {"first_block_stride": stride, "width": 2}
    model = Mnist5kResNet().model(configured("mnist5k_resnet", changes))
    image = batch_of("mnist5k_resnet")["image"]
    _, seen = jax.eval_shape(
        lambda image: model.init_with_output(jax.random.key(0), image, capture_intermediates=True),
        image,
    )
    for number, side in enumerate(sides):
        (out,) = seen["intermediates"][f"ResidualBlock_{number}"]["__call__"]
        assert out.shape == (len(image), side, side, 2 * 2**number)
