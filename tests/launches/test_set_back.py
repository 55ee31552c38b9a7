"""The changes of a candidate, each set back to the baseline alone."""

from dataclasses import replace

import pytest

from tests.specs import plan_of, write_spec
from tuning_playbook.errors import SpecError
from tuning_playbook.launches.set_back import choose_set_backs, set_backs, trials_of
from tuning_playbook.planning.budget import SET_BACK, budget

BASELINE = {
    "workload": "digits_mlp",
    "hyperparameters": {
        "optimizer": "momentum",
        "learning_rate": 0.03,
        "momentum": 0.9,
        "width": 16,
        "dropout": 0.0,
    },
}


def plan_with(tmp_path, fixed, changes=None):
    """A study of one trial with this configuration, against the baseline."""
    write_spec(tmp_path / "baseline.yaml", BASELINE)
    search = {"algorithm": "list", "trials": [{"learning_rate": 0.1}]}
    given = {"fixed": {"width": 16} | fixed, "baseline": "baseline.yaml", "search": search}
    asked = {"nuisance": {}, "reruns": {"seeds": 5, "back": 2}}
    return plan_of(tmp_path, given | asked | (changes or {}))


def set_back(tmp_path, fixed, changes=None):
    plan = plan_with(tmp_path, fixed, changes)
    return {item.name: item for item in set_backs(plan.study, plan.trials[0].trial)}


def test_each_change_is_set_back_alone(tmp_path):
    found = set_back(tmp_path, {"optimizer": "momentum", "dropout": 0.2, "warmup_steps": 5})
    assert set(found) == {"learning_rate", "dropout", "warmup_steps"}
    for name, item in found.items():
        before = {"learning_rate": 0.03, "dropout": 0.0, "warmup_steps": 0}
        after = {"learning_rate": 0.1, "dropout": 0.2, "warmup_steps": 5}
        expected = after | {name: before[name]}
        assert {key: item.hyperparameters[key] for key in expected} == expected
        assert (item.candidate, item.baseline) == ({name: after[name]}, {name: before[name]})


def test_what_the_baseline_leaves_out_adds_something_and_another_value_does_not(tmp_path):
    found = set_back(tmp_path, {"optimizer": "momentum", "dropout": 0.2, "warmup_steps": 5})
    adds = {name: item.adds for name, item in found.items()}
    assert adds == {"learning_rate": False, "dropout": True, "warmup_steps": True}


def test_what_exists_only_under_an_optimizer_goes_with_it(tmp_path):
    found = set_back(tmp_path, {"optimizer": "adam", "one_minus_b1": 0.05, "dropout": 0.2})
    assert set(found) == {"optimizer", "dropout"}
    optimizer = found["optimizer"]
    assert set(optimizer.names) == {
        *("optimizer", "learning_rate", "momentum"),
        *("b1", "b2", "epsilon"),
    }
    assert optimizer.hyperparameters["momentum"] == 0.9
    assert optimizer.hyperparameters["learning_rate"] == 0.03
    assert "b1" not in optimizer.hyperparameters
    assert found["dropout"].hyperparameters["b1"] == 0.95
    assert found["dropout"].hyperparameters["learning_rate"] == 0.1


def test_the_batch_size_is_a_change_too(tmp_path):
    plan = plan_with(tmp_path, {"optimizer": "momentum", "dropout": 0.2})
    trial = replace(plan.trials[0].trial, batch_size=64)
    found = {item.name: item for item in set_backs(plan.study, trial)}
    assert found["batch_size"].batch_size == 32
    assert found["dropout"].batch_size == 64
    assert not found["batch_size"].adds


def test_a_single_change_is_not_set_back(tmp_path):
    assert set_back(tmp_path, {"optimizer": "momentum"}) == {}


def test_every_training_has_a_seed_of_its_own(tmp_path):
    plan = plan_with(tmp_path, {"optimizer": "momentum", "dropout": 0.2})
    chosen = choose_set_backs(plan, plan.trials[0].trial)
    trials = [trial for number in range(2) for trial in trials_of(chosen, number)]
    assert len({trial.seed for trial in trials}) == len(trials) == 4
    assert choose_set_backs(plan, None) == []


def test_the_budget_counts_as_many_as_there_may_be(tmp_path):
    plan = plan_with(tmp_path, {"optimizer": "momentum", "dropout": 0.2})
    (row,) = [row for row in budget(plan) if row.arm == SET_BACK]
    assert (row.trials, row.reruns, row.steps) == (0, 2 * 2, 2 * 2 * 50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reruns": {"seeds": 5, "back": 2}}, "there is no baseline to set the candidate's"),
        (
            {"reruns": {"seeds": 5, "back": 1}, "baseline": "baseline.yaml"},
            "one training of each change does not measure its variance",
        ),
    ],
)
def test_a_spec_that_cannot_tell_what_mattered_is_refused(tmp_path, changes, message):
    write_spec(tmp_path / "baseline.yaml", BASELINE)
    with pytest.raises(SpecError, match=r"reruns\.back") as caught:
        plan_of(tmp_path, changes)
    assert message in str(caught.value)
