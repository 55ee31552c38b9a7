"""Schedules of longer runs: every step is what the formula of the extended schedule says."""

import jax.numpy as jnp
import numpy as np
import pytest

from tuning_playbook.engine.schedules import learning_rate
from tuning_playbook.procedures.extended_schedule import extended, extended_part
from tuning_playbook.study.schedule_hyperparameters import SCHEDULES

SHORT, LONG = 400, 2400
TRAINING = {"max_train_steps": SHORT, "batch_size": 64, "eval_every": 50}
OTHER = {"end_factor": 0.02, "power": 1.5, "drops": 3, "drop_factor": 0.3, "second_drop": 120}
SHAPES = {
    "fills the run": {},
    "after a warmup": {"warmup_steps": 37},
    "held already": {"warmup_steps": 20, "hold_steps": 60},
    "ends before the run": {"hold_steps": 30, "decay_steps": 200},
    "is cut off": {"decay_steps": 700},
}
DECAYING = [name for name in SCHEDULES if name != "constant"]


def trial(schedule, **changes):
    own = {item.name: item.default for item in SCHEDULES[schedule]}
    known = {name: value for name, value in OTHER.items() if name in own}
    return {
        "schedule": schedule,
        "learning_rate": 0.4,
        "warmup_steps": 0,
        **own,
        **known,
        **changes,
    }


def rates(values, steps):
    return np.array(learning_rate(values["schedule"], values, jnp.arange(steps), steps), float)


def decay_of(values, steps):
    """Return the decay of a schedule at each of some steps after its begin, in float64."""
    steps = np.asarray(steps, np.float64)
    decay = values["decay_steps"] or SHORT - values["warmup_steps"] - values["hold_steps"]
    part, end = np.minimum(steps / decay, 1), values.get("end_factor")
    if values["schedule"] == "linear":
        return 1 + (end - 1) * part
    if values["schedule"] == "cosine":
        return end + (1 - end) * (1 + np.cos(np.pi * part)) / 2
    if values["schedule"] == "polynomial":
        return end + (1 - end) * (1 - part) ** values["power"]
    if values["schedule"] == "inverse_sqrt":
        return np.maximum(1 / np.sqrt(1 + steps / decay), end)
    if values["schedule"] == "exponential":
        return end**part
    due = [decay / 4, values["second_drop"], decay * 3 / 4]
    return values["drop_factor"] ** sum((steps >= step).astype(float) for step in due)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("schedule", DECAYING)
def test_a_longer_plateau_keeps_the_decay_and_its_place_before_the_end(schedule, shape):
    values = trial(schedule, **SHAPES[shape])
    longer = extended(values, TRAINING, LONG, "plateau")
    found = rates(longer, LONG)
    warmup, more = values["warmup_steps"], LONG - SHORT
    begin = warmup + values["hold_steps"] + more
    step = np.arange(LONG, dtype=np.float64)
    rising = np.minimum((step + 1) / max(warmup, 1), 1)
    expected = 0.4 * rising * decay_of(values, np.maximum(step - begin, 0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-7)
    # The last steps are those of the short run.
    np.testing.assert_allclose(found[more + warmup :], rates(values, SHORT)[warmup:], atol=4e-7)


@pytest.mark.parametrize("schedule", DECAYING)
def test_a_longer_decay_keeps_the_base_rate_and_fills_the_run(schedule):
    values = trial(schedule, warmup_steps=40)
    longer = extended(values, TRAINING, LONG, "decay")
    assert longer["decay_steps"] == 0
    decay = {**values, "decay_steps": LONG - 40}
    if schedule == "piecewise":
        decay["second_drop"] = round(120 * (LONG - 40) / (SHORT - 40))
    step = np.arange(LONG, dtype=np.float64)
    expected = 0.4 * np.minimum((step + 1) / 40, 1) * decay_of(decay, np.maximum(step - 40, 0))
    np.testing.assert_allclose(rates(longer, LONG), expected, rtol=0, atol=4e-7)


def test_what_has_steps_of_its_own_is_stretched_with_a_longer_decay():
    values = trial("piecewise", warmup_steps=100, hold_steps=30, decay_steps=90)
    longer = extended(values, TRAINING, 2 * SHORT, "decay")
    assert longer["warmup_steps"] == 100
    assert longer["hold_steps"] == 70  # 700 / 300 times as many steps follow the warmup
    assert (longer["decay_steps"], longer["second_drop"]) == (210, 280)


def test_left_out_a_cosine_decays_for_longer_and_all_others_stay_longer_at_their_base():
    assert extended(trial("cosine"), TRAINING, LONG)["decay_steps"] == 0
    linear = extended(trial("linear"), TRAINING, LONG)
    assert (linear["hold_steps"], linear["decay_steps"]) == (LONG - SHORT, SHORT)
    assert extended_part("cosine", "plateau") == "plateau"


def test_a_schedule_without_a_decay_of_ours_stays_as_it_is():
    for values in (trial("constant"), {"schedule": "workload", "learning_rate": 1.0}):
        assert extended(values, TRAINING, LONG) == values
        assert extended_part(values["schedule"], "plateau") == ""


def test_a_warmup_on_top_of_the_steps_leaves_the_decay_its_length():
    training = {**TRAINING, "warmup_extends": True}
    values = trial("linear", warmup_steps=70)  # the run ends 100 steps later: whole evaluations
    longer = extended(values, training, LONG)
    assert (longer["hold_steps"], longer["decay_steps"]) == (LONG - SHORT, SHORT + 100 - 70)
