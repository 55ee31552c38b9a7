"""What each arm of a spec searches, by the spec alone."""

import pytest

from tests.specs import SMALL
from tuning_playbook.procedures.searched_by import (
    listed_values,
    may_repeat_points,
    searched_by_arms,
    searches_nothing,
)

RATE = {"learning_rate": {"log_uniform": [1e-3, 1e-1]}}


def test_each_arm_has_what_holds_everywhere_and_under_its_condition():
    spec = {
        **SMALL,
        "scientific": {"activation": ["relu", "tanh"]},
        "nuisance": RATE,
        "conditional": [
            {"when": {"activation": "tanh"}, "nuisance": {"depth": {"int_uniform": [1, 4]}}}
        ],
    }
    kinds = [[item.kind for item in arm] for arm in searched_by_arms(spec)]
    assert kinds == [["log_uniform"], ["log_uniform", "int_uniform"]]


def test_what_is_scientific_and_sampled_is_searched_and_what_has_values_makes_arms():
    spec = {
        **SMALL,
        "nuisance": {},
        "scientific": {"dropout": {"uniform": [0.0, 0.5]}, "depth": {"int_uniform": [1, 3]}},
    }
    assert [[item.kind for item in arm] for arm in searched_by_arms(spec)] == [["uniform"]] * 3
    assert listed_values(spec) == {"depth": [1, 2, 3]}
    assert not searches_nothing(spec)
    assert searches_nothing({**spec, "scientific": {"depth": [1, 2]}})


@pytest.mark.parametrize(
    ("nuisance", "repeats"),
    [
        (RATE, False),
        (RATE | {"depth": {"int_uniform": [1, 4]}}, False),
        ({"depth": {"int_uniform": [1, 4]}}, True),
        ({"activation": {"choice": ["relu", "tanh"]}}, True),
        ({}, True),
    ],
    ids=["a range", "a range and whole numbers", "whole numbers", "a choice", "nothing"],
)
def test_points_may_recur_where_no_range_is_continuous(nuisance, repeats):
    assert may_repeat_points({**SMALL, "nuisance": nuisance}) == repeats
    listed = {"algorithm": "list", "trials": [{"learning_rate": 0.1}]}
    assert may_repeat_points({**SMALL, "nuisance": nuisance, "search": listed})
