"""Which arm is the simplest, and which add a regularization."""

import pytest

from tests.specs import REMOVED, plan_of, write_spec
from tuning_playbook.study.regularization import regularized_arms
from tuning_playbook.study.simplicity import simplicity

BASELINE = {
    "workload": "digits_mlp",
    "hyperparameters": {"optimizer": "momentum", "learning_rate": 0.03, "dropout": 0.1, "depth": 2},
}


def study_of(folder, scientific, changes=None, *, baseline=None):
    both = {"scientific": scientific} | (changes or {})
    if "optimizer" in scientific:
        both |= {"fixed.optimizer": REMOVED}
    if baseline:
        write_spec(folder / "base.yaml", baseline)
        both |= {"baseline": "base.yaml"}
    return plan_of(folder, both).study


def in_order(study):
    """The arms by rank, the simplest first; equal ones together."""
    found = simplicity(study)
    ranks = sorted({item.rank for item in found.values()})
    return [[arm for arm, item in found.items() if item.rank == rank] for rank in ranks]


def test_off_is_simplest_then_the_baselines_value(tmp_path):
    study = study_of(tmp_path, {"dropout": [0.2, 0.1, 0.0, 0.3]}, baseline=BASELINE)
    assert in_order(study) == [["dropout=0.0"], ["dropout=0.1"], ["dropout=0.2", "dropout=0.3"]]
    found = simplicity(study)
    assert found["dropout=0.0"].words == ("dropout=0.0 leaves it out",)
    assert found["dropout=0.1"].words == ("dropout=0.1 is the baseline's",)
    assert found["dropout=0.2"].words == ()


def test_nothing_orders_values_that_are_neither_off_nor_the_baselines(tmp_path):
    assert len(in_order(study_of(tmp_path, {"optimizer": ["nesterov", "adam"]}))) == 1
    with_baseline = study_of(tmp_path, {"optimizer": ["nesterov", "adam"]}, baseline=BASELINE)
    assert len(in_order(with_baseline)) == 1


def test_the_spec_may_say_what_is_simpler(tmp_path):
    optimizers = {"optimizer": ["adam", "nesterov", "sgd", "momentum"]}
    one = study_of(tmp_path, optimizers, {"launch": {"simpler": {"optimizer": "sgd"}}})
    assert in_order(one)[0] == ["optimizer=sgd"]
    several = {"launch": {"simpler": {"optimizer": ["sgd", "nesterov"]}}}
    assert in_order(study_of(tmp_path, optimizers, several)) == [
        ["optimizer=sgd"],
        ["optimizer=nesterov"],
        ["optimizer=adam", "optimizer=momentum"],
    ]
    with_baseline = study_of(tmp_path, optimizers, several, baseline=BASELINE)
    assert in_order(with_baseline)[0] == ["optimizer=momentum"]


def test_of_several_hyperparameters_more_values_off_or_the_baselines_are_simpler(tmp_path):
    scientific = {"dropout": [0.0, 0.2], "depth": [2, 3]}
    assert in_order(study_of(tmp_path, scientific, baseline=BASELINE)) == [
        ["depth=2, dropout=0.0"],
        ["depth=3, dropout=0.0"],
        ["depth=2, dropout=0.2"],
        ["depth=3, dropout=0.2"],
    ]


def test_a_joint_search_over_a_range_orders_nothing(tmp_path):
    changes = {"design": "joint", "scientific": {"dropout": {"uniform": [0, 0.5]}}}
    assert simplicity(plan_of(tmp_path, changes).study) == {}


@pytest.mark.parametrize(
    ("scientific", "arms"),
    [
        ({"dropout": [0.0, 0.1]}, {"dropout=0.1"}),
        ({"weight_decay": [0.0, 0.1]}, {"weight_decay=0.1"}),
        ({"depth": [1, 2]}, set()),
        ({"dropout": [0.1, 0.2]}, {"dropout=0.1", "dropout=0.2"}),
    ],
)
def test_arms_that_regularize(tmp_path, scientific, arms):
    assert regularized_arms(study_of(tmp_path, scientific)) == arms
