"""Conditions nest, name several values and several hyperparameters, and bring arms of their own."""

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import SpecError
from tuning_playbook.study.conditions import parts_of, settings_of

NESTED = {
    "scientific": {"optimizer": ["nesterov", "adam", "nadam"]},
    "fixed": {"width": 16},
    "nuisance": {},
    "conditional": [
        {
            "when": {"optimizer": "nesterov"},
            "nuisance": {"learning_rate": {"log_uniform": [1e-3, 1.0]}},
        },
        {
            "when": {"optimizer": ["adam", "nadam"]},
            "scientific": {"schedule": ["constant", "cosine"]},
            "conditional": [
                {
                    "when": {"schedule": "constant"},
                    "nuisance": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}},
                },
                {
                    "when": {"schedule": "cosine"},
                    "nuisance": {"learning_rate": {"log_uniform": [1e-4, 1.0]}},
                    "conditional": [
                        {
                            "when": {"optimizer": "nadam"},
                            "scientific": {"normalization": ["none", "layer"]},
                            "fixed": {"end_factor": 0.1},
                            "conditional": [
                                {
                                    "when": {"normalization": "layer"},
                                    "nuisance": {"dropout": {"uniform": [0.0, 0.5]}},
                                }
                            ],
                        }
                    ],
                },
            ],
        },
        {  # on a hyperparameter that is scientific only where another has its value
            "when": {"schedule": "cosine", "optimizer": ["adam", "nesterov"]},
            "nuisance": {"weight_decay": {"log_uniform": [1e-6, 1e-2]}},
        },
    ],
    "search.trials": 2,
}

ARMS = {
    # arm: (the searched hyperparameters and their conditions, the end factor, which cosine brings)
    "optimizer=nesterov": ({"learning_rate": "optimizer=nesterov"}, None),
    "optimizer=adam, schedule=constant": (
        {"learning_rate": "optimizer=adam|nadam, schedule=constant"},
        None,
    ),
    "optimizer=adam, schedule=cosine": (
        {
            "learning_rate": "optimizer=adam|nadam, schedule=cosine",
            "weight_decay": "optimizer=adam|nesterov, schedule=cosine",
        },
        0.0,
    ),
    "optimizer=nadam, schedule=constant": (
        {"learning_rate": "optimizer=adam|nadam, schedule=constant"},
        None,
    ),
    "optimizer=nadam, schedule=cosine, normalization=none": (
        {"learning_rate": "optimizer=adam|nadam, schedule=cosine"},
        0.1,
    ),
    "optimizer=nadam, schedule=cosine, normalization=layer": (
        {
            "learning_rate": "optimizer=adam|nadam, schedule=cosine",
            "dropout": "optimizer=nadam, schedule=cosine, normalization=layer",
        },
        0.1,
    ),
}


def test_nested_conditions_make_a_tree_of_arms(tmp_path):
    study = plan_of(tmp_path, NESTED).study
    found = {
        arm.name: (
            {item.name: item.condition for item in arm.dimensions},
            arm.fixed.get("end_factor"),
        )
        for arm in study.arms
    }
    assert found == ARMS
    assert list(found) == list(ARMS)


def test_every_trial_has_what_its_conditions_bring(tmp_path):
    plan = plan_of(tmp_path, NESTED)
    assert len(plan.trials) == 2 * len(ARMS)
    for item in plan.trials:
        values = item.trial.hyperparameters
        assert (values["dropout"] > 0) == ("normalization=layer" in item.arm)
        assert ("end_factor" in values) == ("cosine" in item.arm)
        assert ("momentum" in values) == ("nesterov" in item.arm)


def test_all_keys_of_a_condition_must_hold(tmp_path):
    changes = {
        "scientific": {"activation": ["relu", "tanh"], "depth": [1, 2]},
        "conditional": [
            {
                "when": {"activation": "tanh", "depth": 2},
                "nuisance": {"dropout": {"uniform": [0, 0.9]}},
            }
        ],
    }
    arms = plan_of(tmp_path, changes).study.arms
    assert [len(arm.dimensions) for arm in arms] == [1, 1, 1, 2]


def test_without_conditions_the_arms_are_every_combination(tmp_path):
    spec = plan_of(tmp_path, {"scientific": {"activation": ["relu", "tanh"], "depth": [1, 2]}})
    assert [tuple(setting.values()) for setting in settings_of(parts_of(spec.study.spec))] == [
        ("relu", 1),
        ("relu", 2),
        ("tanh", 1),
        ("tanh", 2),
    ]


def test_a_listed_trial_is_only_where_the_scientific_names_it_gives_exist(tmp_path):
    changes = {
        "scientific": {"activation": ["relu", "tanh"]},
        "nuisance": {},
        "conditional": [{"when": {"activation": "tanh"}, "scientific": {"depth": [1, 2]}}],
        "search": {
            "algorithm": "list",
            "trials": [{"learning_rate": 0.01}, {"depth": 2, "learning_rate": 0.02}],
        },
    }
    placed = [(i.arm, i.searched["learning_rate"]) for i in plan_of(tmp_path, changes).trials]
    assert placed == [
        ("activation=relu", 0.01),
        ("activation=tanh, depth=1", 0.01),
        ("activation=tanh, depth=2", 0.01),
        ("activation=tanh, depth=2", 0.02),
    ]


def test_an_error_in_a_nested_block_names_its_place(tmp_path):
    nested = [{"when": {"depth": 1}, "nuisance": {"dropuot": {"uniform": [0, 1]}}}]
    changes = {
        "scientific": {"activation": ["relu", "tanh"], "depth": [1, 2]},
        "conditional": [{"when": {"activation": "tanh"}, "conditional": nested}],
    }
    with pytest.raises(SpecError, match=r"yaml:\d+: conditional\[0\]\.conditional\[0\]\.nuisance"):
        plan_of(tmp_path, changes)


def test_conditions_nest_as_deep_as_anyone_writes_them(tmp_path):
    block = {"when": {"depth": 2}, "nuisance": {"dropout": {"uniform": [0, 0.5]}}}
    for _ in range(50):
        block = {"when": {"depth": 2}, "conditional": [block]}
    changes = {"scientific": {"depth": [1, 2]}, "conditional": [block]}
    plain, deep = plan_of(tmp_path, changes).study.arms
    assert [item.name for item in plain.dimensions] == ["learning_rate"]
    assert [item.condition for item in deep.dimensions] == ["", "depth=2"]


WITH_AND_WITHOUT = {
    "scientific": {"dropout": [0.0, "searched"]},
    "nuisance.dropout": {"uniform": [0.1, 0.5]},
}


def test_a_feature_is_compared_with_its_absence_while_its_strength_is_tuned(tmp_path):
    study = plan_of(tmp_path, WITH_AND_WITHOUT).study
    without, searched = study.arms
    assert (without.name, searched.name) == ("dropout=0.0", "dropout=searched")
    assert [item.name for item in without.dimensions] == ["learning_rate"]
    assert without.fixed["dropout"] == 0.0
    assert {item.name: item.condition for item in searched.dimensions} == {
        "learning_rate": "",
        "dropout": "dropout=searched",
    }
    assert "dropout" not in searched.fixed


def test_every_trial_of_it_has_a_number(tmp_path):
    plan = plan_of(tmp_path, WITH_AND_WITHOUT)
    values = {item.arm: [] for item in plan.trials}
    for item in plan.trials:
        values[item.arm].append(item.trial.hyperparameters["dropout"])
    assert values["dropout=0.0"] == [0.0] * 4
    assert len(set(values["dropout=searched"])) == 4
    assert all(0.1 <= value <= 0.5 for value in values["dropout=searched"])


@pytest.mark.parametrize(
    ("name", "off", "given"),
    [
        ("weight_decay", 0.0, {"log_uniform": [1e-5, 1e-2]}),
        ("clip_norm", 0.0, {"log_uniform": [0.1, 10.0]}),
        ("warmup_steps", 0, {"int_uniform": [2, 10]}),
    ],
)
def test_training_has_features_to_leave_out_too(tmp_path, name, off, given):
    changes = {"scientific": {name: [off, "searched"]}, f"nuisance.{name}": given}
    (without, searched) = plan_of(tmp_path, changes).study.arms
    assert without.fixed[name] == off
    assert name in {item.name for item in searched.dimensions}


def test_it_may_stand_beside_others_in_a_joint_search_and_under_a_condition(tmp_path):
    joint = plan_of(tmp_path, WITH_AND_WITHOUT | {"design": "joint", "search.trials": 8})
    assert {arm.name for arm in joint.study.arms} == {"dropout=0.0", "dropout=searched"}
    changes = {
        "scientific": {"optimizer": ["momentum", "adam"]},
        "fixed": {"width": 16},
        "conditional": [
            {
                "when": {"optimizer": "adam"},
                "scientific": {"dropout": [0.0, "searched"]},
                "nuisance": {"dropout": {"uniform": [0.1, 0.5]}},
            }
        ],
    }
    names = [arm.name for arm in plan_of(tmp_path, changes).study.arms]
    assert names == [
        "optimizer=momentum",
        "optimizer=adam, dropout=0.0",
        "optimizer=adam, dropout=searched",
    ]


def test_one_minus_a_value_can_be_what_is_searched(tmp_path):
    changes = {
        "scientific": {"momentum": [0.9, "searched"]},
        "nuisance.one_minus_momentum": {"log_uniform": [1e-3, 1e-1]},
    }
    (_, searched) = plan_of(tmp_path, changes).study.arms
    assert "one_minus_momentum" in {item.name for item in searched.dimensions}
