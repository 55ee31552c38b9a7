"""Nuisance choices that other hyperparameters depend on, as an optimizer drawn for each trial."""

from copy import deepcopy

import pytest

from tests.specs import REMOVED, plan_of
from tuning_playbook.planning.budget_plan import plan_budget, read_budget
from tuning_playbook.procedures.kept_arms import keep_arms
from tuning_playbook.procedures.listed import keep_listed_values
from tuning_playbook.study.caveats import fixed_by

DRAWN = {
    "scientific": {"activation": ["relu", "tanh"]},
    "nuisance": {
        "optimizer": {"choice": ["nesterov", "adam"]},
        "weight_decay": {"log_uniform": [1e-6, 1e-2]},
    },
    "conditional": [
        {
            "when": {"optimizer": "nesterov"},
            "nuisance": {
                "learning_rate": {"log_uniform": [1e-3, 1.0]},
                "one_minus_momentum": {"log_uniform": [1e-3, 1.0]},
            },
        },
        {
            "when": {"optimizer": "adam"},
            "nuisance": {"learning_rate": {"log_uniform": [1e-5, 1e-1]}},
            "fixed": {"b1": 0.8},
        },
    ],
    "search": {"algorithm": "halton", "trials": 16},
    "fixed": REMOVED,
}
OF_NESTEROV = {
    "optimizer",
    "weight_decay",
    "learning_rate (optimizer=nesterov)",
    "one_minus_momentum (optimizer=nesterov)",
}
OF_ADAM = {"optimizer", "weight_decay", "learning_rate (optimizer=adam)"}


def by_optimizer(plan, name, arm=None):
    return [
        item
        for item in plan.trials
        if item.trial.hyperparameters["optimizer"] == name and arm in (None, item.arm)
    ]


def test_the_arms_are_those_of_what_is_scientific(tmp_path):
    plan = plan_of(tmp_path, DRAWN)
    assert plan.trials_per_arm == {"activation=relu": 16, "activation=tanh": 16}


def test_a_trial_has_what_exists_with_its_choice_and_nothing_else(tmp_path):
    plan = plan_of(tmp_path, DRAWN)
    nesterov, adam = by_optimizer(plan, "nesterov"), by_optimizer(plan, "adam")
    assert len(nesterov) == len(adam) == 16
    for item in nesterov:
        values = item.trial.hyperparameters
        assert set(item.searched) == OF_NESTEROV
        assert not {"b1", "b2", "epsilon"} & values.keys()
        assert values["learning_rate"] == item.searched["learning_rate (optimizer=nesterov)"]
        share = item.searched["one_minus_momentum (optimizer=nesterov)"]
        assert values["momentum"] == pytest.approx(1 - share)
    for item in adam:
        values = item.trial.hyperparameters
        assert set(item.searched) == OF_ADAM
        assert values["b1"] == 0.8
        assert values["learning_rate"] <= 0.1
        assert "momentum" not in values


def test_the_trials_of_each_choice_are_spread_over_its_whole_range(tmp_path):
    plan = plan_of(tmp_path, DRAWN | {"search.trials": 32})
    rates = sorted(
        item.trial.hyperparameters["learning_rate"]
        for item in by_optimizer(plan, "adam", "activation=relu")
    )
    assert len(rates) == 16
    for low in (1e-5, 1e-4, 1e-3, 1e-2):  # a quarter of the range each
        assert 2 <= sum(low <= rate < 10 * low for rate in rates) <= 6


def test_a_grid_has_a_grid_for_each_choice(tmp_path):
    plan = plan_of(tmp_path, DRAWN | {"search": {"algorithm": "grid", "points": 3}})
    assert len(by_optimizer(plan, "nesterov", "activation=relu")) == 3**3
    assert len(by_optimizer(plan, "adam", "activation=relu")) == 3**2


def test_a_list_may_name_optimizers_and_schedules(tmp_path):
    trials = [
        {"optimizer": "nesterov", "learning_rate": 0.1, "momentum": 0.5},
        {"optimizer": "nesterov", "learning_rate": 0.2},
        {"optimizer": "adam", "learning_rate": 0.01},
        {"optimizer": "adam", "learning_rate": 0.01, "schedule": "cosine", "end_factor": 0.1},
    ]
    plan = plan_of(
        tmp_path,
        {
            "search": {"algorithm": "list", "trials": trials},
            "conditional": [{"when": {"optimizer": "adam"}, "fixed": {"b1": 0.8}}],
            "nuisance": REMOVED,
            "fixed": REMOVED,
        },
    )
    first, second, third, fourth = (item.trial.hyperparameters for item in plan.trials)
    assert (first["momentum"], second["momentum"]) == (0.5, 0.9)
    assert third["b1"] == fourth["b1"] == 0.8
    assert "end_factor" not in third
    assert (fourth["schedule"], fourth["end_factor"]) == ("cosine", 0.1)


def test_a_schedule_may_be_drawn_within_an_optimizer(tmp_path):
    conditional = [
        {
            "when": {"optimizer": "adam"},
            "nuisance": {"schedule": {"choice": ["constant", "cosine"]}},
            "conditional": [
                {"when": {"schedule": "cosine"}, "nuisance": {"end_factor": {"uniform": [0, 0.5]}}}
            ],
        }
    ]
    plan = plan_of(
        tmp_path,
        {
            "nuisance": {"optimizer": {"choice": ["nesterov", "adam"]}},
            "conditional": conditional,
            "fixed": REMOVED,
            "search": {"algorithm": "halton", "trials": 16},
        },
    )
    schedules = {item.trial.hyperparameters["schedule"] for item in by_optimizer(plan, "nesterov")}
    assert schedules == {"constant"}
    adam = [item.trial.hyperparameters for item in by_optimizer(plan, "adam")]
    assert {values["schedule"] for values in adam} == {"constant", "cosine"}
    assert all(("end_factor" in values) == (values["schedule"] == "cosine") for values in adam)


def test_any_choice_may_bring_hyperparameters(tmp_path):
    plan = plan_of(
        tmp_path,
        {
            "nuisance": {"normalization": {"choice": ["none", "layer"]}},
            "conditional": [
                {
                    "when": {"normalization": wanted},
                    "nuisance": {"learning_rate": {"log_uniform": ends}},
                }
                for wanted, ends in {"none": [1e-4, 1e-3], "layer": [1e-2, 1e-1]}.items()
            ],
            "fixed": REMOVED,
            "search": {"algorithm": "random", "trials": 12},
        },
    )
    for item in plan.trials:
        values = item.trial.hyperparameters
        assert (values["learning_rate"] >= 1e-2) == (values["normalization"] == "layer")


def test_what_is_fixed_with_a_choice_says_so(tmp_path):
    chosen, default = fixed_by(plan_of(tmp_path, DRAWN).study)
    assert "0.8 in trials with optimizer=adam" in chosen["b1"]
    assert "trials with optimizer=adam" in default["b2"]


def test_a_spec_of_fewer_arms_keeps_what_is_drawn(tmp_path):
    study = plan_of(tmp_path, DRAWN).study
    document = deepcopy({key: value for key, value in DRAWN.items() if key != "fixed"})
    keep_arms(document, study.arms[:1])
    assert document["conditional"] == DRAWN["conditional"]
    assert document["fixed"] == {"activation": "relu"}


def test_a_list_may_give_the_values_of_a_nuisance_choice(tmp_path):
    trials = [
        {"optimizer": "nesterov", "weight_decay": 1e-4, "learning_rate": 0.1, "momentum": 0.5},
        {"optimizer": "adam", "weight_decay": 1e-4, "learning_rate": 0.01},
    ]
    conditional = [
        {"when": {"optimizer": name}, "nuisance": {"learning_rate": {"log_uniform": [1e-4, 1.0]}}}
        for name in ("nesterov", "adam")
    ]
    plan = plan_of(
        tmp_path,
        DRAWN
        | {
            "scientific": {},
            "conditional": conditional,
            "search": {"algorithm": "list", "trials": trials},
        },
    )
    first, second = plan.trials
    assert first.searched["learning_rate (optimizer=nesterov)"] == 0.1
    assert first.trial.hyperparameters["momentum"] == 0.5
    assert second.searched["learning_rate (optimizer=adam)"] == 0.01


def test_questions_of_later_rounds_may_name_what_any_of_the_optimizers_has(tmp_path):
    question = {"goal": "Which momentum?", "scientific": {"momentum": [0.8, 0.9]}}
    study = plan_of(tmp_path, DRAWN | {"next_questions": [question]}).study
    assert study.spec.next_questions[0].scientific == {"momentum": [0.8, 0.9]}


def test_no_budget_fixes_a_choice_that_others_depend_on(tmp_path):
    plan = plan_of(tmp_path, DRAWN | {"scientific": {}})
    made = plan_budget(plan, read_budget("12trials"))
    fixed = [place for change in made.changes for place, _ in change.edits]
    assert fixed
    assert ("nuisance", "optimizer") not in fixed


def test_what_a_list_gave_to_one_optimizer_stands_under_that_condition(tmp_path):
    trials = [
        {"optimizer": "nesterov", "learning_rate": 0.1, "momentum": 0.8},
        {"optimizer": "nesterov", "learning_rate": 0.1, "momentum": 0.7},
        {"optimizer": "adam", "learning_rate": 0.01},
    ]
    document = {"search": {"algorithm": "list", "trials": trials}}
    study = plan_of(tmp_path, document | {"nuisance": REMOVED, "fixed": REMOVED}).study
    keep_listed_values(document, study.arms, [])
    (under,) = document["conditional"]
    assert under == {
        "when": {"optimizer": "nesterov"},
        "nuisance": {"momentum": {"choice": [0.8, 0.7]}},
    }
    assert document["nuisance"]["optimizer"] == {"choice": ["nesterov", "adam"]}
