"""A joint design samples scientific and nuisance hyperparameters together, evenly."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.stats import qmc

from tests.specs import plan_of
from tuning_playbook.errors import SpecError
from tuning_playbook.search.joint import turn

SIZES = range(2, 8)
JOINT = {"design": "joint", "search.trials": 40}


def widths(count):
    return [8 * (place + 1) for place in range(count)]


def assert_even(values, size):
    """In every prefix that is a multiple of the number of values they do not differ at all."""
    for end in range(1, len(values) + 1):
        counts = Counter(values[:end])
        least = min(counts.values()) if len(counts) == size else 0
        assert max(counts.values()) - least <= (1 if end % size else 0)


@pytest.mark.parametrize("algorithm", ["halton", "random"])
@pytest.mark.parametrize("size", SIZES)
def test_every_value_has_as_many_trials_in_every_prefix(tmp_path, size, algorithm):
    plan = plan_of(
        tmp_path,
        JOINT | {"scientific": {"width": widths(size)}, "search.algorithm": algorithm, "fixed": {}},
    )
    values = [item.trial.hyperparameters["width"] for item in plan.trials]
    assert len(values) == 40
    assert_even(values, size)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(SIZES, SIZES)))
def test_two_hyperparameters_are_each_even_and_every_combination_comes(first, second):
    turns = [turn(index, [first, second]) for index in range(first * second)]
    assert len({tuple(places) for places in turns}) == first * second
    for column, size in zip(zip(*turns, strict=True), (first, second), strict=True):
        assert_even(column, size)
    assert turn(first * second, [first, second]) == turns[0]


def test_three_hyperparameters_too():
    turns = [turn(index, [2, 6, 4]) for index in range(48)]
    assert len({tuple(places) for places in turns}) == 48
    for column, size in zip(zip(*turns, strict=True), (2, 6, 4), strict=True):
        assert_even(column, size)


def test_two_discrete_ones_of_a_study(tmp_path):
    scientific = {"width": [8, 16, 24], "activation": {"choice": ["relu", "tanh"]}}
    plan = plan_of(tmp_path, JOINT | {"scientific": scientific, "fixed": {}})
    assert_even([i.trial.hyperparameters["width"] for i in plan.trials], 3)
    assert_even([i.trial.hyperparameters["activation"] for i in plan.trials], 2)
    assert_even([item.arm for item in plan.trials], 6)
    assert len(plan.study.arms) == 6


def test_a_short_range_of_whole_numbers_is_a_list_of_values(tmp_path):
    plan = plan_of(tmp_path, JOINT | {"scientific": {"depth": {"int_uniform": [1, 4]}}})
    assert [arm.name for arm in plan.study.arms] == [f"depth={depth}" for depth in (1, 2, 3, 4)]
    assert_even([i.trial.hyperparameters["depth"] for i in plan.trials], 4)


def test_a_range_is_sampled_by_its_distribution_and_makes_no_arm(tmp_path):
    scientific = {"weight_decay": {"log_uniform": [1e-6, 1e-2]}}
    plan = plan_of(tmp_path, JOINT | {"scientific": scientific})
    (arm,) = plan.study.arms
    assert [(item.name, item.role) for item in arm.dimensions] == [
        ("weight_decay", "scientific"),
        ("learning_rate", "nuisance"),
    ]
    decades = [int(np.log10(item.searched["weight_decay"]) // 1) for item in plan.trials]
    assert set(Counter(decades).values()) == {10}


def test_conditional_hyperparameters_still_apply(tmp_path):
    changes = JOINT | {
        "scientific": {"activation": ["relu", "tanh"]},
        "conditional": [
            {"when": {"activation": "relu"}, "nuisance": {"dropout": {"uniform": [0.1, 0.5]}}},
            {
                "when": {"activation": "tanh"},
                "scientific": {"depth": [1, 2, 3]},
                "conditional": [
                    {"when": {"depth": [2, 3]}, "nuisance": {"dropout": {"uniform": [0.6, 0.9]}}}
                ],
            },
        ],
    }
    plan = plan_of(tmp_path, changes)
    for item in plan.trials:
        dropout = item.trial.hyperparameters["dropout"]
        if item.arm == "activation=tanh, depth=1":
            assert dropout == 0.0
        else:
            assert (0.1 <= dropout <= 0.5) == (item.arm == "activation=relu")
    assert_even([i.trial.hyperparameters["activation"] for i in plan.trials], 2)
    inner = [i.arm for i in plan.trials if i.arm != "activation=relu"]
    assert_even(inner, 3)


def test_more_trials_keep_the_earlier_ones_and_the_seed_matters(tmp_path):
    changes = JOINT | {"scientific": {"depth": [1, 2, 3]}}

    def trials(**more):
        plan = plan_of(tmp_path, changes | {f"search.{key}": value for key, value in more.items()})
        return [(item.arm, item.trial.id) for item in plan.trials]

    assert trials(trials=60)[:40] == trials()
    assert trials(seed=1) != trials()


@pytest.mark.parametrize("count", [2, 3, 4, 6])
def test_each_arm_covers_the_nuisances_as_a_search_of_its_own(tmp_path, count):
    """A value that every n-th point has must not always meet the same part of a nuisance."""
    changes = JOINT | {
        "scientific": {"width": widths(count)},
        "fixed": {},
        "nuisance": {
            "learning_rate": {"uniform": [0, 1]},
            "l2_regularization": {"uniform": [0, 1]},
        },
        "search.trials": 16 * count,
    }
    worst = []
    for seed in range(5):
        plan = plan_of(tmp_path, changes | {"search.seed": seed})
        for arm in plan.study.arms:
            points = [
                (item.searched["learning_rate"], item.searched["l2_regularization"])
                for item in plan.trials
                if item.arm == arm.name
            ]
            worst.append(qmc.discrepancy(np.array(points)))
    chance = [qmc.discrepancy(np.random.default_rng(s).random((16, 2))) for s in range(50)]
    assert np.median(worst) < np.quantile(chance, 0.1)


def test_too_few_trials_for_the_arms_are_refused(tmp_path):
    with pytest.raises(SpecError, match="give at least 3"):
        plan_of(
            tmp_path, {"design": "joint", "scientific": {"depth": [1, 2, 3]}, "search.trials": 2}
        )
