"""Which values are one, and which hyperparameters two configurations differ in."""

import pytest

from tuning_playbook.study.equality import differing, same_value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0, -0.0),
        (0.9, 1 - 0.1),
        (0.1 + 0.2, 0.3),
        (0.123456789012, 0.1234567890121),
        (1e-300, 1e-300),
        ("relu", "relu"),
        (True, True),
    ],
)
def test_one_value(one, other):
    assert same_value(one, other)
    assert same_value(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (False, 0.0),
        (0.123456789012, 0.123456789013),
        (1e-300, 2e-300),
        (10**15, 10**15 + 1),
        (1, "1"),
        (0.0, None),
        ("true", True),
    ],
)
def test_two_values(one, other):
    assert not same_value(one, other)
    assert not same_value(other, one)


def test_configurations_differ_in_what_only_one_of_them_has():
    one = {"width": 64, "learning_rate": 0.1, "momentum": 0.9}
    other = {"learning_rate": 0.2, "width": 64.0, "nesterov": True, "momentum": 1 - 0.1}
    assert differing(one, other) == ("learning_rate", "nesterov")
    assert differing({}, one) == tuple(one)
    assert not differing(one, dict(reversed(one.items())))


def test_what_one_minus_says_in_another_way_is_left_out_and_kept_where_it_stands_alone():
    momentum = {"momentum": 0.9, "one_minus_momentum": 0.1}
    assert not differing(momentum, {"momentum": 0.9})
    assert differing({"one_minus_momentum": 0.1}, {"one_minus_momentum": 0.2})
