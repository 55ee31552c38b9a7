import math

import pytest

from tuning_playbook.errors import SpecError
from tuning_playbook.study.distributions import Distribution, make_distribution

EVEN = [(index + 0.5) / 1000 for index in range(1000)]


@pytest.mark.parametrize("u", [0.0, 0.1, 0.5, 0.9, 1 - 2**-53])
def test_values_stay_between_the_bounds(u):
    for kind in ("uniform", "log_uniform", "int_uniform", "log_int_uniform"):
        assert 3 <= Distribution(kind, 3, 17).value(u) <= 17


def test_log_uniform_is_even_in_the_logarithm():
    distribution = Distribution("log_uniform", 1e-4, 1.0)
    decades = [math.floor(math.log10(distribution.value(u))) for u in EVEN]
    assert [decades.count(decade) for decade in (-4, -3, -2, -1)] == [250] * 4


def test_int_uniform_gives_every_integer_the_same_share():
    values = [Distribution("int_uniform", 2, 6).value(u) for u in EVEN]
    assert [values.count(value) for value in range(2, 7)] == [200] * 5


def test_log_int_uniform_gives_each_integer_the_share_of_its_interval():
    values = [Distribution("log_int_uniform", 1, 8).value(u) for u in EVEN]
    for value in range(1, 9):
        share = math.log((value + 0.5) / (value - 0.5)) / math.log(8.5 / 0.5)
        assert values.count(value) == pytest.approx(1000 * share, abs=1.5)


def test_choices_get_equal_shares_in_their_order():
    values = [Distribution("choice", choices=("a", "b", "c", "d")).value(u) for u in EVEN]
    assert values == ["a"] * 250 + ["b"] * 250 + ["c"] * 250 + ["d"] * 250


def test_sampled_values_are_short_enough_to_be_the_same_everywhere():
    value = Distribution("log_uniform", 1e-6, 1e-2).value(0.123456789)
    assert value == float(f"{value:.6g}")


def test_a_grid_includes_both_ends_evenly_in_the_scale():
    assert Distribution("log_uniform", 1e-3, 1.0).grid(4) == [0.001, 0.01, 0.1, 1.0]
    assert Distribution("uniform", 0, 1).grid(3) == [0.0, 0.5, 1.0]
    assert Distribution("int_uniform", 1, 3).grid(9) == [1, 2, 3]
    assert Distribution("choice", choices=("x", "y")).grid(7) == ["x", "y"]


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("uniform", [1.0, 0.0], "no room"),
        ("uniform", [1.0, 1.0], "no room"),
        ("log_uniform", [0.0, 1.0], "reaches zero"),
        ("log_uniform", [-1.0, 1.0], "reaches zero"),
        ("int_uniform", [0.5, 3], "whole numbers"),
        ("uniform", [0.0], "two numbers"),
        ("uniform", [0.0, "a"], "two numbers"),
        ("uniform", [False, True], "two numbers"),
        ("uniform", [0.0, math.inf], "finite"),
        ("choice", ["a", "a"], "twice"),
    ],
)
def test_what_cannot_be_sampled_is_refused(kind, values, message):
    with pytest.raises(SpecError, match=message):
        make_distribution(kind, values)
