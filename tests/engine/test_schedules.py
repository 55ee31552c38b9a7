import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tuning_playbook.engine.schedules import FACTORS, learning_rate
from tuning_playbook.study.schedule_hyperparameters import OWN_DROPS, SCHEDULES

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


def test_a_drop_with_a_step_of_its_own_is_there_and_the_others_stay():
    found = rates("piecewise", decay_steps=90, drops=2, drop_factor=0.1, second_drop=70)
    np.testing.assert_allclose(
        found[[0, 29, 30, 60, 69, 70, 199]] / 0.5, [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01], rtol=1e-5
    )
    early = rates("piecewise", decay_steps=90, drops=2, drop_factor=0.5, first_drop=100)
    np.testing.assert_allclose(early[[59, 60, 99, 100]] / 0.5, [1, 0.5, 0.5, 0.25], rtol=1e-5)


def expected_rate(schedule, values, steps):
    """Return the formula of a schedule at every step, in float64."""
    step = np.arange(steps, dtype=np.float64)
    warmup, begin = values["warmup_steps"], values["warmup_steps"] + values["hold_steps"]
    decay = values["decay_steps"] or steps - begin
    since = np.maximum(step - begin, 0)
    part, end = np.minimum(since / decay, 1), values.get("end_factor", 0)
    drops = values.get("drops", 0)
    due = [values[name] or decay * n / (drops + 1) for n, name in enumerate(OWN_DROPS[:drops], 1)]
    factor = {
        "linear": lambda: 1 + (end - 1) * part,
        "cosine": lambda: end + (1 - end) * (1 + np.cos(np.pi * part)) / 2,
        "polynomial": lambda: end + (1 - end) * (1 - part) ** values["power"],
        "inverse_sqrt": lambda: np.maximum(1 / np.sqrt(1 + since / decay), end),
        "exponential": lambda: end**part,
        "piecewise": lambda: values["drop_factor"] ** sum((since >= n).astype(float) for n in due),
    }
    rising = np.minimum((step + 1) / max(warmup, 1), 1)
    return values["learning_rate"] * rising * factor[schedule]()


SHAPES = {
    "fills the run": {},
    "held": {"hold_steps": 1300},
    "held after a warmup": {"warmup_steps": 77, "hold_steps": 1300, "decay_steps": 490},
    "ends before the run": {"hold_steps": 400, "decay_steps": 700},
    "is cut off": {"hold_steps": 1900, "decay_steps": 700},
}
OTHER = {"end_factor": 0.03, "power": 1.5, "drops": 3, "drop_factor": 0.2, "second_drop": 301}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if name != "constant"])
def test_every_step_of_a_held_schedule_is_its_formula(schedule, shape):
    steps = 2003
    own = {item.name: item.default for item in SCHEDULES[schedule]}
    values = {"learning_rate": 0.7, "warmup_steps": 0, **own}
    values |= {name: value for name, value in OTHER.items() if name in own} | SHAPES[shape]
    found = np.array(learning_rate(schedule, values, jnp.arange(steps), steps))
    np.testing.assert_allclose(found, expected_rate(schedule, values, steps), rtol=0, atol=7e-7)


@pytest.mark.parametrize("decay", [49, 90, 98, 1003])
@pytest.mark.parametrize("drops", [1, 2, 3, 48])
def test_even_drops_are_at_the_first_step_that_is_due(decay, drops):
    values = {"drops": drops, "decay_steps": decay, "drop_factor": 0.5}
    found = np.round(np.log2(0.5 / np.maximum(rates("piecewise", **values), 1e-14)))
    due = np.floor(np.arange(MAX_TRAIN_STEPS) * (drops + 1) / decay + 1e-9)
    np.testing.assert_array_equal(np.minimum(found, 40), np.minimum(np.minimum(due, drops), 40))


def test_the_decay_takes_all_that_follows_the_warmup_unless_told():
    found = rates("linear", steps=MAX_TRAIN_STEPS + 1, warmup_steps=40)
    assert found[120] == pytest.approx(0.25)
    assert found[200] == pytest.approx(0.0, abs=1e-7)
