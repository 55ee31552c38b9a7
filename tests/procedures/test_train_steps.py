"""When another number of steps may be proposed."""

import pytest

from tests.specs import plan_of
from tuning_playbook.procedures.train_steps import (
    decays_to_its_end,
    steps_are_given,
    steps_named,
    why_no_other_steps,
)


@pytest.mark.parametrize(
    ("goal", "named"),
    [
        ("Is it better in 2,000 steps?", (2000,)),
        ("Is it better within 250 training steps, or in 1000-step runs?", (250, 1000)),
        ("Is a step size of 0.1 better than 3.5 steps?", ()),
        ("Does stride 1 make 300 trials unstable?", ()),
    ],
)
def test_the_steps_that_a_goal_names(goal, named):
    assert steps_named(goal) == named


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({}, False),
        ({"training.steps": "given"}, True),
        ({"goal": "What is best in 50 steps?"}, True),
        ({"goal": "What is best in 500 steps?"}, False),
    ],
)
def test_steps_are_given_by_the_spec_or_by_its_goal(tmp_path, changes, given):
    study = plan_of(tmp_path, changes).study
    assert steps_are_given(study) == given
    assert bool(why_no_other_steps(study)) == given


@pytest.mark.parametrize(
    ("fixed", "decays"),
    [
        ({}, False),
        ({"schedule": "cosine"}, True),
        ({"schedule": "cosine", "end_factor": 0.3}, False),
        ({"schedule": "linear"}, True),
        ({"schedule": "inverse_sqrt"}, False),
        ({"schedule": "exponential", "end_factor": 0.05}, True),
    ],
    ids=str,
)
def test_a_rate_that_has_decayed_makes_the_last_step_the_best(tmp_path, fixed, decays):
    changes = {f"fixed.{name}": value for name, value in fixed.items()}
    study = plan_of(tmp_path, changes).study
    assert decays_to_its_end(study) == decays


def test_where_some_arm_does_not_decay_its_best_steps_tell(tmp_path):
    study = plan_of(tmp_path, {"scientific": {"schedule": ["constant", "cosine"]}}).study
    assert not decays_to_its_end(study)
