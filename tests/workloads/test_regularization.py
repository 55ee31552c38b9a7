"""Dropout and label smoothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.examples import CONFIGURATIONS, WORKLOADS, apply_to_batch, variables_of
from tuning_playbook.workloads.classification import cross_entropy
from tuning_playbook.workloads.dropout import dropout, is_off


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_its_share(rate: float) -> None:
    units = jnp.ones(100_000)
    dropped = jax.jit(dropout)(units, rate, jax.random.key(0))
    assert abs(float(jnp.mean(dropped)) - 1.0) < 0.02
    assert abs(float(jnp.mean(dropped == 0.0)) - rate) < 0.01
    np.testing.assert_allclose(dropped[dropped > 0], 1.0 / (1.0 - rate), rtol=1e-6)


def test_dropout_compiles_once_for_all_rates() -> None:
    traces = 0

    @jax.jit
    def dropped(rate: float) -> jax.Array:
        nonlocal traces
        traces += 1
        return dropout(jnp.ones(4), rate, jax.random.key(0))

    for rate in (0.1, 0.2, 0.3):
        dropped(rate)
    assert traces == 1


def test_a_traced_rate_of_zero_changes_nothing() -> None:
    units = jnp.arange(5.0)
    np.testing.assert_array_equal(dropout(units, jnp.float32(0.0), jax.random.key(0)), units)


def test_only_a_python_zero_is_off() -> None:
    assert is_off(0.0)
    assert not is_off(0.1)
    assert not is_off(jnp.float32(0.0))


def test_dropout_is_decided_by_the_key() -> None:
    changes = {"dropout": np.float32(0.5)}
    variables = variables_of("digits_mlp", changes)
    losses = [
        apply_to_batch("digits_mlp", changes, variables, seed=seed, train=True)[0]["loss"]
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(losses[0], losses[1])
    assert not np.allclose(losses[0], losses[2])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_is_that_of_the_smoothed_target(smoothing: float) -> None:
    generator = np.random.default_rng(0)
    logits, label = generator.normal(size=(8, 5)), generator.integers(5, size=8)
    target = (1 - smoothing) * np.eye(5)[label] + smoothing / 5
    log_share = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    expected = -np.sum(target * log_share, axis=1)
    for value in (smoothing, jnp.float32(smoothing)):
        actual = cross_entropy(jnp.float32(logits), jnp.int32(label), value)
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


@pytest.mark.parametrize("name", WORKLOADS)
def test_label_smoothing_is_of_the_training_loss_alone(name: str) -> None:
    small = next(changes for example, changes in CONFIGURATIONS if example == name)
    variables = variables_of(name, small)

    def loss(smoothing: float | np.float32, *, train: bool) -> jax.Array:
        changes = small | {"label_smoothing": smoothing}
        return apply_to_batch(name, changes, variables, train=train)[0]["loss"]

    smoothed = np.float32(0.2)
    np.testing.assert_array_equal(loss(smoothed, train=False), loss(0.0, train=False))
    assert not np.allclose(loss(smoothed, train=True), loss(0.0, train=True))
