"""A spec whose trials would train for long at next to no learning rate is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.specs import plan_of
from tuning_playbook.engine.schedules import learning_rate
from tuning_playbook.errors import SpecError
from tuning_playbook.study.idle_rate import FACTORS, idle_share, relative_rate
from tuning_playbook.study.schedule_hyperparameters import SCHEDULES

OTHER = {"decay_steps": 30, "end_factor": 0.2, "power": 3.0, "drops": 3, "drop_factor": 0.5}
HELD = {**OTHER, "hold_steps": 20, "second_drop": 13, "fourth_drop": 5}


def values_of(schedule, **changes):
    defaults = {item.name: item.default for item in SCHEDULES[schedule]}
    known = {name: value for name, value in changes.items() if name in defaults}
    return {**defaults, **known, "warmup_steps": changes.get("warmup_steps", 0)}


@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize("changes", [{}, OTHER, HELD])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_are_those_of_training(schedule, changes, warmup):
    values = values_of(schedule, warmup_steps=warmup, **changes)
    numbers = {**values, "learning_rate": 1.0}
    expected = [float(learning_rate(schedule, numbers, jnp.asarray(n), 60)) for n in range(60)]
    found = [relative_rate(schedule, values, step, 60) for step in range(60)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert set(FACTORS) == set(SCHEDULES)


@pytest.mark.parametrize("steps", [7, 10, 100, 1999, 50_000])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_is_idle_at_its_defaults(schedule, steps):
    assert idle_share(schedule, values_of(schedule), steps) <= 0.1


@pytest.mark.parametrize(
    ("schedule", "changes", "share"),
    [
        ("cosine", {"decay_steps": 100}, 0.5 + 0.064 / 2),  # cos(pi x) < -0.98 from x = 0.936 on
        ("linear", {"decay_steps": 100}, 0.5),
        ("linear", {"decay_steps": 100, "end_factor": 0.02}, 0.0),
        ("polynomial", {"power": 3.0}, 1 - (1 - 0.01 ** (1 / 3))),
        ("piecewise", {"drops": 3}, 0.25),
        ("exponential", {"end_factor": 1e-4}, 0.5),
    ],
)
def test_the_share_follows_from_the_formula(schedule, changes, share):
    assert idle_share(schedule, values_of(schedule, **changes), 200) == pytest.approx(
        share, abs=0.01
    )


REFUSED = {
    "fixed": {"fixed.decay_steps": 25},
    "searched": {"nuisance.decay_steps": {"int_uniform": [25, 50]}},
    "a choice": {"nuisance.decay_steps": {"choice": [0, 25]}},
    "a range from zero, which stands for all steps": {
        "nuisance.decay_steps": {"int_uniform": [0, 50]}
    },
    "scientific": {"scientific": {"decay_steps": [50, 25]}},
    "listed": {
        "nuisance": {},
        "search": {
            "algorithm": "list",
            "trials": [{"learning_rate": 0.1, "decay_steps": steps} for steps in (50, 25)],
        },
    },
    "in one arm": {
        "scientific": {"schedule": ["constant", "cosine"]},
        "conditional": [{"when": {"schedule": "cosine"}, "fixed": {"decay_steps": 25}}],
        "fixed": {"optimizer": "momentum", "width": 16},
    },
    "a warmup that ends the decay late": {
        "fixed.decay_steps": 25,
        "nuisance.warmup_steps": {"int_uniform": [0, 20]},
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_decay_that_ends_long_before_the_run_is_refused(name, tmp_path):
    changes = {"fixed.schedule": "cosine", **REFUSED[name]}
    with pytest.raises(SpecError, match="below 1% of its peak for") as caught:
        plan_of(tmp_path, changes)
    message = str(caught.value)
    assert "training.max_train_steps" in message
    assert "of 50 steps with schedule cosine, decay_steps" in message
    assert "allow_idle: true" in message
    assert ("(arm schedule=cosine)" in message) == (name == "in one arm")


def test_a_decay_that_begins_later_is_idle_for_less(tmp_path):
    changes = {"fixed.schedule": "cosine", "fixed.decay_steps": 25}
    plan_of(tmp_path, {**changes, "fixed.hold_steps": 25})
    with pytest.raises(SpecError, match=r"warmup_steps 0, hold_steps 10: .*begin it later"):
        plan_of(tmp_path, {**changes, "fixed.hold_steps": 10})


def test_the_worst_combination_is_named(tmp_path):
    changes = {
        "fixed.schedule": "polynomial",
        "nuisance.power": {"uniform": [1.0, 4.0]},
        "nuisance.decay_steps": {"choice": [45, 50]},
    }
    with pytest.raises(SpecError, match=r"decay_steps 45, end_factor 0.0, power 4.0, warmup_steps"):
        plan_of(tmp_path, changes)


def test_it_can_be_allowed_and_no_trial_changes_with_it(tmp_path):
    decay = {"fixed.schedule": "cosine", "fixed.decay_steps": 48}
    allowed = plan_of(tmp_path, {**decay, "training.allow_idle": True}, name="allowed")
    assert [item.trial.id for item in allowed.trials] == [
        item.trial.id for item in plan_of(tmp_path, decay).trials
    ]
    plan_of(tmp_path, {**decay, "fixed.decay_steps": 25, "training.allow_idle": True})


def test_a_warmup_on_top_of_the_steps_leaves_them_to_the_decay(tmp_path):
    changes = {
        "fixed.schedule": "cosine",
        "fixed.decay_steps": 50,
        "fixed.warmup_steps": 25,
        "training.warmup_extends": True,
    }
    plan_of(tmp_path, changes)
