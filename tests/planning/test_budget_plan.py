"""What the playbook would make of a budget: it bears the rules of thumb, or says what gives way."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.specs import SMALL, changed, write_spec
from tuning_playbook.analysis.variance import LEAST_RERUNS
from tuning_playbook.errors import BudgetError
from tuning_playbook.planning.budget import budget, total
from tuning_playbook.planning.budget_draft import RERUNS
from tuning_playbook.planning.budget_plan import Budget, plan_budget, read_budget
from tuning_playbook.planning.plan import plan_study

RATE = {"log_uniform": [1e-4, 1e-1]}
DECAY = {"log_uniform": [1e-3, 1.0]}

PLAIN = changed({"reruns": {"seeds": 5}, "search.trials": 16})
"""One arm that searches the learning rate."""

TWO_ARMS = changed({"scientific": {"depth": [1, 2]}}, PLAIN)
FOUR_ARMS = changed({"scientific": {"depth": [1, 2], "activation": ["relu", "tanh"]}}, PLAIN)

SIX_NUISANCES = changed(
    {
        "fixed.optimizer": "adam",
        "nuisance": {
            "learning_rate": RATE,
            "one_minus_b1": DECAY,
            "one_minus_b2": DECAY,
            "epsilon": {"log_uniform": [1e-10, 1e-3]},
            "weight_decay": {"log_uniform": [1e-6, 1e-2]},
            "dropout": {"uniform": [0.0, 0.5]},
        },
    },
    PLAIN,
)

BY_OPTIMIZER = changed(
    {
        "scientific": {"optimizer": ["nesterov", "adam", "nadam"]},
        "nuisance": {},
        "fixed": {"width": 16},
        "conditional": [
            {
                "when": {"optimizer": "nesterov"},
                "nuisance": {"learning_rate": RATE, "one_minus_momentum": DECAY},
            },
            {"when": {"optimizer": ["adam", "nadam"]}, "nuisance": {"learning_rate": RATE}},
            {"when": {"optimizer": "nadam"}, "nuisance": {"one_minus_b1": DECAY}},
        ],
    },
    PLAIN,
)

WITH_AND_WITHOUT = changed(
    {"scientific": {"dropout": [0.0, "searched"]}, "nuisance.dropout": {"uniform": [0.1, 0.5]}},
    PLAIN,
)

FIRST_STUDY = {
    "goal": "Which learning rate and momentum train the multilayer perceptron well?",
    "workload": "digits_mlp",
    "objective": {"metric": "validation/error_rate", "mode": "min"},
    "training": {"max_train_steps": 1000, "batch_size": 64, "eval_every": 50},
    "nuisance": {"learning_rate": RATE, "one_minus_momentum": DECAY},
    "fixed": {"optimizer": "nesterov"},
    "search": {"algorithm": "halton", "trials": 8},
    "reruns": {"seeds": 3},
}

ROOT = Path(__file__).parents[2]

SPECS = {
    "first study": FIRST_STUDY,
    "optimizer_choice": YAML(typ="safe").load(ROOT / "config/studies/optimizer_choice.yaml"),
    "one arm": PLAIN,
    "two arms": TWO_ARMS,
    "two questions": FOUR_ARMS,
    "six nuisances": SIX_NUISANCES,
    "optimizers": BY_OPTIMIZER,
    "with and without": WITH_AND_WITHOUT,
    "joint": changed({"design": "joint", "search.trials": 64}, FOUR_ARMS),
    "grid": changed({"search": {"algorithm": "grid", "points": 4}}, TWO_ARMS),
    "bayesian": changed({"search": {"algorithm": "bayesian", "trials": 20, "rounds": 5}}, TWO_ARMS),
}


def trials(amount: int) -> Budget:
    return Budget(amount, "trials")


def made(folder, spec, amount, **given):
    """Return the plan of a study for a budget of so many trainings."""
    return plan_budget(plan_study(write_spec(folder / "s.yaml", spec)), trials(amount), **given)


def given_to(plan):
    """Return what a plan gives each arm: trials, searched hyperparameters, reruns."""
    return [(row.arm, row.trials, row.searched, row.reruns) for row in plan.arms]


def texts(plan):
    return [change.text for change in plan.changes]


def edited(spec: dict[str, Any], plan) -> dict[str, Any]:
    """Return a spec with the changes of a plan."""
    spec = deepcopy(spec)
    for change in plan.changes:
        for (*parents, key), value in change.edits:
            place: Any = spec
            for parent in parents:
                place = place[parent] if isinstance(parent, int) else place.setdefault(parent, {})
            if value is None:
                del place[key]
            else:
                place[key] = value
    return spec


@pytest.mark.parametrize(
    ("text", "limit", "written"),
    [
        ("200trials", 200, "200 trainings"),
        ("1 trial", 1, "1 trainings"),
        ("12h", 12 * 3600, "12 h"),
        ("1.5h", 5400, "1.5 h"),
        ("90min", 5400, "90 min"),
    ],
)
def test_a_budget_is_a_number_of_trainings_or_a_time(text, limit, written):
    assert (read_budget(text).limit, str(read_budget(text))) == (limit, written)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0trials", "must be more than 0"),
        ("0h", "must be more than 0"),
        ("-5trials", "must be more than 0"),
        ("2.5trials", "whole numbers"),
        *((text, "200trials, or a time, as 12h or 90min") for text in ("many", "", "200", "3days")),
        ("9" * 400 + "h", "200trials"),
    ],
)
def test_what_is_no_budget_is_told_what_one_looks_like(text, message):
    with pytest.raises(BudgetError, match="is no budget") as error:
        read_budget(text)
    assert message in str(error.value)


def test_the_reruns_are_those_from_which_on_a_variance_is_known():
    assert RERUNS == LEAST_RERUNS


def test_every_training_counts(tmp_path):
    plan = made(tmp_path, TWO_ARMS, 50)
    assert given_to(plan) == [
        ("depth=1", 20, ("learning_rate",), 5),
        ("depth=2", 20, ("learning_rate",), 5),
    ]
    assert (plan.cost, plan.left_over) == (50, 0)
    assert texts(plan) == ["search.trials: 16 -> 20"]


def test_the_baseline_is_rerun_too(tmp_path):
    (tmp_path / "b.yaml").write_text("workload: digits_mlp\nhyperparameters: {optimizer: sgd}\n")
    plan = made(tmp_path, changed({"baseline": "b.yaml"}, TWO_ARMS), 55)
    assert given_to(plan)[-1] == ("baseline", 0, (), 5)
    assert [row.trials for row in plan.arms] == [20, 20, 0]


def test_reruns_below_those_that_tell_a_variance_are_raised(tmp_path):
    plan = made(tmp_path, changed({"reruns.seeds": 2}, TWO_ARMS), 42)
    assert texts(plan) == ["reruns.seeds: 2 -> 5"]


def test_a_spec_that_is_as_the_playbook_would_have_it_is_left_alone(tmp_path):
    assert texts(made(tmp_path, TWO_ARMS, 42)) == []


def test_what_the_spec_asks_beyond_the_rules_gives_way_first(tmp_path):
    spec = changed({"replicates": 2, "reruns": {"seeds": 8, "splits": 2}}, SIX_NUISANCES)
    assert texts(made(tmp_path, spec, 160)) == ["search.trials: 16 -> 50"]
    assert texts(made(tmp_path, spec, 60)) == ["search.trials: 16 -> 50", "replicates: 2 -> 0"]
    assert texts(made(tmp_path, spec, 58))[1:] == ["reruns.splits: 2 -> 0", "replicates: 2 -> 0"]
    assert texts(made(tmp_path, spec, 55))[1:] == [
        "reruns.seeds: 8 -> 5",
        "reruns.splits: 2 -> 0",
        "replicates: 2 -> 0",
    ]


@pytest.mark.parametrize(
    ("amount", "fixed"),
    [
        (55, []),
        (54, ["one_minus_b2"]),
        (30, ["one_minus_b2"]),
        (29, ["one_minus_b2", "epsilon"]),
        (17, ["one_minus_b2", "epsilon"]),
        (16, ["one_minus_b2", "epsilon", "weight_decay"]),
        (15, ["one_minus_b2", "epsilon", "weight_decay"]),
    ],
)
def test_the_least_important_hyperparameters_are_fixed_first(tmp_path, amount, fixed):
    plan = made(tmp_path, SIX_NUISANCES, amount)
    (arm,) = plan.arms
    assert set(arm.searched) == SIX_NUISANCES["nuisance"].keys() - fixed
    assert (arm.trials, arm.reruns) == (amount - 5, 5)


def test_momentum_is_fixed_after_the_rest_and_the_learning_rate_never(tmp_path):
    nuisance = {
        "learning_rate": RATE,
        "one_minus_momentum": DECAY,
        "weight_decay": {"log_uniform": [1e-6, 1e-2]},
        "clip_norm": {"log_uniform": [0.1, 10.0]},
    }
    spec = changed({"nuisance": nuisance}, PLAIN)
    assert texts(made(tmp_path, spec, 17)) == ["search.trials: 16 -> 12"]
    assert texts(made(tmp_path, spec, 16))[0] == "nuisance.clip_norm -> fixed.clip_norm: 0.0"
    del nuisance["weight_decay"], nuisance["clip_norm"]
    nuisance |= {"depth": {"int_uniform": [1, 3]}, "width": {"int_uniform": [8, 64]}}
    spec = changed({"nuisance": nuisance, "fixed": {"optimizer": "momentum"}}, PLAIN)
    assert set(made(tmp_path, spec, 16).arms[0].searched) == {
        "learning_rate",
        "one_minus_momentum",
        "depth",
    }


def test_what_is_fixed_takes_its_default_and_where_there_is_a_baseline_its_value(tmp_path):
    assert texts(made(tmp_path, SIX_NUISANCES, 29))[:2] == [
        "nuisance.one_minus_b2 -> fixed.b2: 0.999",
        "nuisance.epsilon -> fixed.epsilon: 1e-08",
    ]
    baseline = "workload: digits_mlp\nhyperparameters: {optimizer: %s, b2: 0.95}\n"
    (tmp_path / "b.yaml").write_text(baseline % "adam")
    spec = changed({"baseline": "b.yaml"}, SIX_NUISANCES)
    assert texts(made(tmp_path, spec, 35))[0] == "nuisance.one_minus_b2 -> fixed.b2: 0.95"
    (tmp_path / "b.yaml").write_text(baseline % "nadam")
    assert texts(made(tmp_path, spec, 35))[0] == "nuisance.one_minus_b2 -> fixed.b2: 0.999"


def test_each_change_has_a_reason_of_the_playbook(tmp_path):
    (first, *_) = made(tmp_path, SIX_NUISANCES, 54).changes
    assert first.reason == "Adam's b2 is worth tuning from 50 trials in an arm on."
    assert str(first).endswith("(playbook: How should Adam's hyperparameters be tuned?)")


def test_too_small_a_budget_asks_about_fewer_arms_the_last_question_first(tmp_path):
    assert [row.arm for row in made(tmp_path, FOUR_ARMS, 60).arms] == [
        "activation=relu, depth=1",
        "activation=relu, depth=2",
        "activation=tanh, depth=1",
        "activation=tanh, depth=2",
    ]
    plan = made(tmp_path, FOUR_ARMS, 59)
    assert [row.arm for row in plan.arms] == [
        "activation=relu, depth=1",
        "activation=tanh, depth=1",
    ]
    (change, _) = plan.changes
    assert change.text == "scientific.depth: [1, 2] -> [1]"
    assert "in each of 4 arms, only in 2, which leaves 1 question to ask" in change.reason


def test_conditions_that_no_arm_meets_are_taken_away(tmp_path):
    plan = made(tmp_path, BY_OPTIMIZER, 40)
    assert texts(plan)[0] == (
        "scientific.optimizer: [nesterov, adam, nadam] -> [nesterov, adam]; "
        "conditional[2] taken away; conditional[1].when.optimizer -> [adam]"
    )


def test_what_is_simpler_is_only_said_of_values_that_are_left(tmp_path):
    spec = changed({"launch": {"simpler": {"optimizer": ["nesterov", "nadam"]}}}, BY_OPTIMIZER)
    plan = made(tmp_path, spec, 40)
    assert edited(spec, plan)["launch"] == {"simpler": {"optimizer": ["nesterov"]}}


def test_there_are_enough_reruns_or_none_and_then_nothing_can_be_adopted(tmp_path):
    enough = made(tmp_path, TWO_ARMS, 30)
    assert [row.reruns for row in enough.arms] == [5, 5]
    too_few = made(tmp_path, TWO_ARMS, 29)
    assert given_to(too_few) == [
        ("depth=1", 14, ("learning_rate",), 0),
        ("depth=2", 14, ("learning_rate",), 0),
    ]
    assert "reruns.seeds: 5 -> 0" in texts(too_few)
    assert too_few.notes[0].startswith("Nothing can be adopted with this budget")


def test_a_budget_below_the_trials_of_one_arm_is_an_error(tmp_path):
    assert len(made(tmp_path, TWO_ARMS, 10).arms) == 1
    with pytest.raises(BudgetError, match="is too small for the trials that even one arm"):
        made(tmp_path, TWO_ARMS, 9)


def test_a_larger_budget_buys_trials_while_they_gain_something_then_repeats(tmp_path):
    assert texts(made(tmp_path, TWO_ARMS, 110)) == ["search.trials: 16 -> 50"]
    unspent = made(tmp_path, TWO_ARMS, 309)
    assert (unspent.cost, unspent.left_over) == (110, 199)
    assert "next round" in unspent.notes[-1]
    repeated = made(tmp_path, TWO_ARMS, 310)
    assert texts(repeated) == ["search.trials: 16 -> 50", "replicates: 0 -> 2"]
    assert [row.trials for row in repeated.arms] == [150, 150]
    assert made(tmp_path, TWO_ARMS, 10_000).cost == 5 * 100 + 10


def test_more_trials_than_gain_something_are_kept_where_the_spec_wants_them(tmp_path):
    assert texts(made(tmp_path, changed({"search.trials": 80}, TWO_ARMS), 170)) == []


def test_an_arm_that_searches_nothing_has_one_trial(tmp_path):
    alike = {"nuisance": {}, "fixed.learning_rate": 0.1, "search.trials": 1}
    plan = made(tmp_path, changed(alike, TWO_ARMS), 100)
    assert given_to(plan) == [("depth=1", 1, (), 5), ("depth=2", 1, (), 5)]
    assert texts(plan) == []


def test_equal_configurations_are_trained_once(tmp_path):
    few = {"nuisance": {"learning_rate": {"choice": [0.01, 0.03, 0.1]}}}
    plan = made(tmp_path, changed(few, TWO_ARMS), 60)
    assert [row.trials for row in plan.arms] == [3, 3]
    assert texts(plan) == []


def test_what_of_adam_is_worth_tuning_with_so_many_trials_is_said(tmp_path):
    adam = changed({"fixed.optimizer": "adam"}, PLAIN)
    (note,) = made(tmp_path, adam, 40).notes
    assert "(b1, epsilon in all trials)" in note


def test_a_time_is_shared_out_by_what_a_training_takes_in_each_arm(tmp_path):
    study = plan_study(write_spec(tmp_path / "s.yaml", TWO_ARMS))
    seconds = {"depth=1": 60.0, "depth=2": 180.0}
    plan = plan_budget(study, Budget(1, "h"), seconds)
    assert given_to(plan) == [
        ("depth=1", 10, ("learning_rate",), 5),
        ("depth=2", 10, ("learning_rate",), 5),
    ]
    assert (plan.cost, plan.left_over) == (3600, 0)
    with pytest.raises(BudgetError, match=r"no earlier trial .* depth=2 shows how long"):
        plan_budget(study, Budget(1, "h"), {"depth=1": 60.0, "depth=2": None})


def test_trials_written_out_by_hand_leave_nothing_to_plan(tmp_path):
    spec = changed(
        {"nuisance": {}, "search": {"algorithm": "list", "trials": [{"learning_rate": 0.1}]}}, SMALL
    )
    with pytest.raises(BudgetError, match="written out one by one"):
        made(tmp_path, spec, 100)


@pytest.mark.parametrize("amount", [10, 16, 25, 40, 90, 200, 700])
@pytest.mark.parametrize("name", SPECS)
def test_a_plan_written_into_the_spec_keeps_the_rules_and_the_budget(
    tmp_path, monkeypatch, name, amount
):
    """And the same budget then asks for no other change."""
    monkeypatch.chdir(ROOT)  # where the baseline of a spec is looked up
    try:
        plan = made(tmp_path, SPECS[name], amount)
    except BudgetError:
        assert (name, amount) == ("bayesian", 10)  # of ten initial trials and five rounds
        return
    path = write_spec(tmp_path / "edited.yaml", edited(SPECS[name], plan))
    new = plan_study(path)
    assert not {"few_trials", "many_dimensions"} & {advice.rule for advice in new.advice}
    assert not any("do not tune" in advice.text for advice in new.advice)  # of Adam's
    rows = budget(new)
    assert [(row.arm, row.trials, row.reruns) for row in rows] == [
        (row.arm, row.trials, row.reruns) for row in plan.arms
    ]
    assert total(rows).trials + total(rows).reruns == plan.cost <= amount
    assert texts(plan_budget(new, trials(amount))) == []
