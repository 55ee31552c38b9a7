import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tuning_playbook.engine.schedules import FACTORS, learning_rate
from tuning_playbook.study.schedule_hyperparameters import SCHEDULES

MAX_TRAIN_STEPS = 200


def rates(schedule, steps=MAX_TRAIN_STEPS, **numbers):
    values = {item.name: item.default for item in SCHEDULES[schedule]}
    values |= {"learning_rate": 0.5, "warmup_steps": 0} | numbers
    return np.array(learning_rate(schedule, values, jnp.arange(steps), MAX_TRAIN_STEPS))


def test_every_declared_schedule_is_computed():
    assert set(FACTORS) == set(SCHEDULES)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_begins_at_the_base_rate_and_never_rises(schedule):
    found = rates(schedule)
    assert found[0] == pytest.approx(0.5)
    assert (np.diff(found) <= 1e-7).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_warmup_rises_to_the_base_rate_then_the_schedule_begins(schedule):
    found = rates(schedule, warmup_steps=50, decay_steps=100)
    np.testing.assert_allclose(found[:50], 0.5 * np.arange(1, 51) / 50, rtol=1e-6)
    np.testing.assert_allclose(found[50:], rates(schedule, 150, decay_steps=100), rtol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "reference"),
    [
        ("constant", optax.constant_schedule(0.5)),
        ("linear", optax.linear_schedule(0.5, 0.05, 80)),
        ("cosine", optax.cosine_decay_schedule(0.5, 80, alpha=0.1)),
        ("polynomial", optax.polynomial_schedule(0.5, 0.05, 3.0, 80)),
        ("exponential", optax.exponential_decay(0.5, 80, 0.1, end_value=0.05)),
    ],
)
def test_schedules_are_optaxs(schedule, reference):
    numbers = {"decay_steps": 80, "end_factor": 0.1, "power": 3.0}
    expected = [float(reference(step)) for step in range(MAX_TRAIN_STEPS)]
    np.testing.assert_allclose(rates(schedule, **numbers), expected, rtol=2e-5)


def test_inverse_square_root():
    found = rates("inverse_sqrt", decay_steps=20, end_factor=0.4)
    expected = np.maximum(1 / np.sqrt(1 + np.arange(MAX_TRAIN_STEPS) / 20), 0.4)
    np.testing.assert_allclose(found, 0.5 * expected, rtol=1e-5)


def test_piecewise_drops_evenly():
    found = rates("piecewise", decay_steps=90, drops=2, drop_factor=0.1)
    np.testing.assert_allclose(
        found[[0, 29, 30, 59, 60, 199]] / 0.5, [1, 1, 0.1, 0.1, 0.01, 0.01], rtol=1e-5
    )


def test_the_decay_takes_all_that_follows_the_warmup_unless_told():
    found = rates("linear", steps=MAX_TRAIN_STEPS + 1, warmup_steps=40)
    assert found[120] == pytest.approx(0.25)
    assert found[200] == pytest.approx(0.0, abs=1e-7)
