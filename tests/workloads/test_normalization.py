"""Normalization, held to NumPy in float64."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tuning_playbook.errors import InfeasibleConfigurationError
from tuning_playbook.workloads.normalization import BatchNorm, Normalization

DECAY, EPSILON = 0.9, 1e-5
BATCH, FEATURES = 10, 3
SHAPES = [(BATCH, FEATURES), (BATCH, 4, 5, FEATURES)]
"""Of a dense layer's units, and of a convolution's."""

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=["dense", "image"])


def draw(shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers whose mean and spread differ from feature to feature and over the batch."""
    generator = np.random.default_rng(0)
    drift = np.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return generator.normal(size=shape) * [0.5, 1.0, 2.0] + [3.0, 0.0, -1.0] + drift


def groups_of(batch: int, size: int) -> list[tuple[list[int], list[int]]]:
    """Return the examples of each group, and those that its statistics are over."""
    size = size or batch
    groups = []
    for start in range(0, batch, size):
        members = list(range(start, min(start + size, batch)))
        measured = members if len(members) == size else list(range(batch - size, batch))
        groups.append((members, measured))
    return groups


def reference(x: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the normalised batch and the running mean and variance after one step."""
    axes = tuple(range(x.ndim - 1))
    out, means, variances = np.empty_like(x), [], []
    for members, measured in groups_of(len(x), size):
        mean, variance = x[measured].mean(axes), x[measured].var(axes)
        out[members] = (x[members] - mean) / np.sqrt(variance + EPSILON)
        means.append(mean)
        variances.append(variance)
    mean = (1 - DECAY) * np.mean(means, axis=0)
    return out, mean, DECAY + (1 - DECAY) * np.mean(variances, axis=0)


def test_the_reference_has_the_groups_that_are_meant() -> None:
    assert groups_of(5, 2) == [([0, 1], [0, 1]), ([2, 3], [2, 3]), ([4], [3, 4])]
    assert groups_of(4, 0) == [([0, 1, 2, 3], [0, 1, 2, 3])]


@each_shape
@pytest.mark.parametrize("size", [0, BATCH, 5, 1, 4, 7])
def test_batch_norm_equals_the_reference(shape: tuple[int, ...], size: int) -> None:
    x = draw(shape)
    norm = BatchNorm(size)
    variables = norm.init(jax.random.key(0), jnp.ones((1, *shape[1:])), train=False)
    out, updated = norm.apply(variables, jnp.float32(x), train=True, mutable=["batch_stats"])
    expected, mean, variance = reference(x, size)
    # One example of one pixel has no variance: what is left of rounding is divided by its root.
    tolerance = 1e-5 if size != 1 or len(shape) > 2 else 1e-2
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=tolerance)
    np.testing.assert_allclose(updated["batch_stats"]["mean"], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(updated["batch_stats"]["variance"], variance, rtol=1e-5, atol=1e-6)


@each_shape
def test_a_remainder_does_not_change_the_groups_before_it(shape: tuple[int, ...]) -> None:
    x = jnp.float32(draw(shape))
    norm = BatchNorm(4)
    variables = norm.init(jax.random.key(0), x, train=False)

    def normalised(x: jax.Array) -> Any:
        return norm.apply(variables, x, train=True, mutable=["batch_stats"])[0]

    np.testing.assert_allclose(normalised(x)[:8], normalised(x[:8]), rtol=1e-6)


@each_shape
def test_evaluation_uses_the_running_averages(shape: tuple[int, ...]) -> None:
    x = draw(shape)
    mean, variance = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, 4.0])
    scale, bias = np.array([2.0, 1.0, 0.5]), np.array([0.0, 1.0, -1.0])
    variables = {
        "params": {"scale": jnp.float32(scale), "bias": jnp.float32(bias)},
        "batch_stats": {"mean": jnp.float32(mean), "variance": jnp.float32(variance)},
    }
    out = BatchNorm(4).apply(variables, jnp.float32(x), train=False)
    expected = (x - mean) / np.sqrt(variance + EPSILON) * scale + bias
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


def test_running_averages_come_near_the_statistics() -> None:
    x = jnp.float32(draw(SHAPES[1]))
    norm = BatchNorm(5)
    variables = dict(norm.init(jax.random.key(0), x, train=False))
    for _ in range(100):
        variables |= norm.apply(variables, x, train=True, mutable=["batch_stats"])[1]
    trained, _ = norm.apply(variables, x, train=True, mutable=["batch_stats"])
    groups = x.reshape(2, -1, FEATURES)
    averages = variables["batch_stats"]
    np.testing.assert_allclose(averages["mean"], groups.mean((0, 1)), rtol=1e-3)
    np.testing.assert_allclose(averages["variance"], groups.var(1).mean(0), rtol=1e-3)
    assert not np.allclose(trained, norm.apply(variables, x, train=False), atol=1e-3)


def test_gradient_goes_through_the_statistics_of_each_group() -> None:
    x, weight = jnp.float32(draw(SHAPES[0])), jnp.float32(draw(SHAPES[0])[::-1])
    norm = BatchNorm(4)
    variables = norm.init(jax.random.key(0), x, train=False)

    def total(x: jax.Array) -> jax.Array:
        return jnp.sum(weight * norm.apply(variables, x, train=True, mutable=["batch_stats"])[0])

    gradient, small = jax.grad(total)(x), 1e-5
    for place in [(0, 0), (5, 1), (7, 2), (9, 0)]:
        ends = []
        for sign in (1, -1):
            moved = draw(SHAPES[0])
            moved[place] += sign * small
            ends.append(np.sum(np.float64(weight) * reference(moved, 4)[0]))
        slope = (ends[0] - ends[1]) / (2 * small)
        assert abs(gradient[place] - slope) < 1e-3 * max(1.0, abs(slope))


def test_a_virtual_batch_larger_than_the_batch_cannot_run() -> None:
    norm = BatchNorm(16)
    variables = norm.init(jax.random.key(0), jnp.ones((1, FEATURES)), train=False)
    with pytest.raises(InfeasibleConfigurationError, match="virtual_batch_size 16 is more than"):
        norm.apply(variables, jnp.ones((8, FEATURES)), train=True, mutable=["batch_stats"])


@each_shape
def test_layer_norm_equals_the_reference(shape: tuple[int, ...]) -> None:
    x = draw(shape)
    norm = Normalization("layer")
    variables = norm.init(jax.random.key(0), jnp.float32(x), train=False)
    assert variables["params"]["LayerNorm_0"]["scale"].shape == (FEATURES,)
    axes = tuple(range(1, x.ndim))
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-6)
    for train in (False, True):
        out = norm.apply(variables, jnp.float32(x), train=train)
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_none_is_the_identity_and_has_no_variables() -> None:
    x = jnp.float32(draw(SHAPES[0]))
    norm = Normalization("none")
    assert norm.init(jax.random.key(0), x, train=True) == {}
    assert norm.apply({}, x, train=True) is x


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_zero_scale_gives_zero(kind: str) -> None:
    x = jnp.float32(draw(SHAPES[1]))
    norm = Normalization(kind, zero_scale=True)
    variables = norm.init(jax.random.key(0), x, train=False)
    assert not np.any(norm.apply(variables, x, train=False))
