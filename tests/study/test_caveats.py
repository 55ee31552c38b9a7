"""What a conclusion is conditional on, each said once."""

from tests.specs import plan_of
from tuning_playbook.study.caveats import caveats


def test_fixed_values_defaults_and_length_are_caveats(tmp_path):
    fixed, default, steps = caveats(plan_of(tmp_path).study)
    assert fixed.startswith("Fixed by the spec: optimizer, width. ")
    assert default.startswith("Left at their defaults: ")
    assert "momentum" in default
    assert "learning_rate" not in fixed + default
    assert "50 steps" in steps


def test_a_range_of_a_joint_design_is_one(tmp_path):
    changes = {"design": "joint", "scientific": {"dropout": {"uniform": [0, 0.5]}}}
    (sampled,) = (c for c in caveats(plan_of(tmp_path, changes).study) if "range" in c)
    assert sampled.startswith("Sampled over a range together with the nuisances: dropout.")


def test_a_warmup_on_top_makes_lengths_unequal(tmp_path):
    changes = {
        "training.warmup_extends": True,
        "nuisance.warmup_steps": {"int_uniform": [0, 25]},
    }
    *_, steps = caveats(plan_of(tmp_path, changes).study)
    assert "50 steps after its warmup, so that trials differ in length" in steps
