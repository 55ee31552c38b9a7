"""A spec without the arms that lost."""

from copy import deepcopy

import pytest

from tests.specs import plan_of
from tuning_playbook.procedures.kept_arms import keep_arms

CONDITIONAL = {
    "scientific": {"optimizer": ["momentum", "adam"]},
    "fixed": {"width": 16},
    "conditional": [
        {
            "when": {"optimizer": "momentum"},
            "nuisance": {"one_minus_momentum": {"log_uniform": [0.01, 1.0]}},
        },
        {
            "when": {"optimizer": "adam"},
            "scientific": {"schedule": ["constant", "cosine"]},
            "fixed": {"b1": 0.8},
            "conditional": [{"when": {"schedule": "cosine"}, "fixed": {"end_factor": 0.1}}],
        },
    ],
}


def kept(folder, changes, *names):
    """What is left of a spec with changes when some of its arms are kept."""
    study = plan_of(folder, changes).study
    arms = {arm.name: arm for arm in study.arms}
    assert set(names) <= set(arms)
    document = deepcopy(study.spec.model_dump(mode="json", exclude_unset=True))
    keep_arms(document, [arms[name] for name in names])
    return document


def test_what_holds_in_the_one_arm_left_stands_without_a_condition(tmp_path):
    document = kept(tmp_path, CONDITIONAL, "optimizer=adam, schedule=cosine")
    assert "scientific" not in document
    assert "conditional" not in document
    assert document["fixed"] == {
        "width": 16,
        "b1": 0.8,
        "optimizer": "adam",
        "schedule": "cosine",
        "end_factor": 0.1,
    }


def test_what_holds_in_no_arm_left_goes(tmp_path):
    document = kept(tmp_path, CONDITIONAL, "optimizer=momentum")
    assert document["fixed"] == {"width": 16, "optimizer": "momentum"}
    assert set(document["nuisance"]) == {"learning_rate", "one_minus_momentum"}


def test_a_condition_that_tells_arms_apart_stays(tmp_path):
    document = kept(tmp_path, CONDITIONAL, "optimizer=momentum", "optimizer=adam, schedule=cosine")
    assert document["scientific"] == {"optimizer": ["momentum", "adam"]}
    inner = document["conditional"][1]
    assert inner["when"] == {"optimizer": "adam"}
    assert inner["fixed"] == {"b1": 0.8, "schedule": "cosine", "end_factor": 0.1}


def test_a_condition_on_what_all_arms_left_have_goes(tmp_path):
    document = kept(
        tmp_path,
        CONDITIONAL,
        "optimizer=adam, schedule=constant",
        "optimizer=adam, schedule=cosine",
    )
    assert document["fixed"]["optimizer"] == "adam"
    assert document["scientific"] == {"schedule": ["constant", "cosine"]}
    assert document["conditional"] == [
        {"when": {"schedule": "cosine"}, "fixed": {"end_factor": 0.1}}
    ]


SEARCHED = {
    "scientific": {"dropout": [0.0, "searched"]},
    "nuisance.dropout": {"uniform": [0.1, 0.5]},
}


@pytest.mark.parametrize(
    ("arm", "nuisance", "fixed"),
    [
        ("dropout=0.0", {"learning_rate"}, 0.0),
        ("dropout=searched", {"learning_rate", "dropout"}, None),
    ],
)
def test_a_value_that_is_searched_goes_on_being_searched(tmp_path, arm, nuisance, fixed):
    document = kept(tmp_path, SEARCHED, arm)
    assert set(document["nuisance"]) == nuisance
    assert document["fixed"].get("dropout") == fixed


def test_the_batch_size_is_a_setting_of_training(tmp_path):
    changes = {"scientific": {"batch_size": [16, 32]}}
    study = plan_of(
        tmp_path, changes | {"training": {"max_train_steps": 50, "eval_every": 25}}
    ).study
    document = study.spec.model_dump(mode="json", exclude_unset=True)
    keep_arms(document, study.arms[:1])
    assert document["training"]["batch_size"] == 16


def test_listed_trials_of_other_arms_go_and_say_no_more_what_is_fixed(tmp_path):
    trials = [{"depth": depth, "learning_rate": rate} for depth in (1, 2) for rate in (0.1, 0.2)]
    changes = {
        "scientific": {"depth": [1, 2]},
        "nuisance": {},
        "search": {"algorithm": "list", "trials": [*trials, {"learning_rate": 0.3}]},
    }
    document = kept(tmp_path, changes, "depth=2")
    assert document["search"]["trials"] == [
        {"learning_rate": 0.1},
        {"learning_rate": 0.2},
        {"learning_rate": 0.3},
    ]


def test_what_was_simpler_among_values_that_are_gone_is_not_said(tmp_path):
    changes = {"scientific": {"depth": [1, 2]}, "launch": {"simpler": {"depth": 1}}}
    assert kept(tmp_path, changes, "depth=2")["launch"] == {}
