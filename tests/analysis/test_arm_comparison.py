"""Arms compared by their reruns: what is compared with what, and how often it is wrong."""

import itertools

import numpy as np
import pytest

from tuning_playbook.analysis.arm_comparison import (
    compare_arms,
    compare_values,
    reruns_of,
)
from tuning_playbook.analysis.interactions import interaction
from tuning_playbook.analysis.variance import summarise

DRAWS = 400
SPREAD = 0.001 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])

SHAPES = {
    "normal": lambda random, size: random.normal(size=size),
    "t3": lambda random, size: random.standard_t(3, size=size),
    "lognormal": lambda random, size: random.lognormal(size=size),
    "counts of 300": lambda random, size: random.binomial(300, 0.05, size=size) / 300,
}


def reruns(values, settings=None, *, margin=0.0, sign=-1.0):
    """Reruns of arms by name; without settings each arm is a value of `x`."""
    rows = [summarise(arm, list(found)) for arm, found in values.items()]
    settings = settings or {arm: {"x": place} for place, arm in enumerate(values)}
    return reruns_of(rows, settings, sign=sign, margin=margin)


def drawn(random, shape, count, size=5):
    return {
        f"x={place}": values for place, values in enumerate(SHAPES[shape](random, (count, size)))
    }


def crossed(cells):
    """Reruns of arms by the values of `a` and `b`, each around a mean."""
    settings = {f"a={a}, b={b}": {"a": a, "b": b} for a, b in cells}
    values = dict(zip(settings, (mean + SPREAD for mean in cells.values()), strict=True))
    return reruns(values, settings)


def test_the_better_arm_of_a_pair_is_named_first_and_the_difference_is_positive():
    values = {"x=0": 0.10 + SPREAD, "x=1": 0.05 + SPREAD}
    for sign, better in ((-1.0, "x=1"), (1.0, "x=0")):
        found = compare_arms(reruns(values, sign=sign))
        (pair,) = found.pairs
        assert (pair.arm, found.ordered[0], found.best) == (better, better, (better,))
        assert pair.difference == pytest.approx(0.05)
        assert 0 < pair.low < pair.difference < pair.high
        assert (found.verdict, found.needed_reruns) == ("differs", None)


def test_practically_the_same_needs_a_margin_that_holds_the_whole_interval():
    values = {"x=0": 0.100 + SPREAD, "x=1": 0.1001 + SPREAD}
    (pair,) = compare_arms(reruns(values)).pairs
    verdicts = {
        margin: compare_arms(reruns(values, margin=margin)).verdict
        for margin in (0.0, 0.9 * pair.high, 1.1 * pair.high)
    }
    assert list(verdicts.values()) == [
        "no difference shown",
        "no difference shown",
        "practically the same",
    ]


def test_what_differs_by_less_than_the_margin_is_practically_the_same():
    small = 0.01 * SPREAD
    values = {"x=0": 0.100 + small, "x=1": 0.101 + small}
    assert compare_arms(reruns(values, margin=0.002)).verdict == "practically the same"
    assert compare_arms(reruns(values)).verdict == "differs"


def test_reruns_that_would_settle_it_are_told_where_nothing_is_shown():
    values = {"x=0": 0.100 + SPREAD, "x=1": 0.101 + SPREAD}
    needed = compare_arms(reruns(values)).needed_reruns
    assert 20 < needed < 60
    assert compare_arms(reruns(values, margin=0.003)).needed_reruns < needed


@pytest.mark.parametrize("few", [[], [0.1] * 4, [np.nan] * 6])
def test_an_arm_of_fewer_than_five_feasible_reruns_is_not_compared(few):
    values = {"x=0": 0.1 + SPREAD, "x=1": few, "x=2": 0.2 + SPREAD}
    assert {pair.other for pair in compare_arms(reruns(values)).pairs} == {"x=2"}
    del values["x=2"]
    assert compare_arms(reruns(values)).verdict == "cannot tell"


def test_reruns_that_do_not_differ_cannot_be_compared():
    found = reruns({"x=0": [0.1] * 5, "x=1": [0.2] * 5})
    assert (found.samples, compare_arms(found).verdict) == (None, "cannot tell")
    assert found.means == pytest.approx({"x=0": -0.1, "x=1": -0.2})


def test_the_values_of_a_hyperparameter_are_averaged_over_the_arms_that_have_them():
    found = crossed({(0, 0): 0.10, (0, 1): 0.14, (1, 0): 0.11, (1, 1): 0.15})
    of_a, of_b = (compare_values(name, found).pairs[0] for name in "ab")
    assert (of_a.arm, of_a.other, of_a.difference) == ("a=0", "a=1", pytest.approx(0.01))
    assert (of_b.arm, of_b.other, of_b.difference) == ("b=0", "b=1", pytest.approx(0.04))
    assert len(compare_arms(found).pairs) == 6


def test_more_arms_know_a_main_effect_better_than_two():
    four = crossed({(0, 0): 0.10, (0, 1): 0.14, (1, 0): 0.101, (1, 1): 0.141})
    two = crossed({(0, 0): 0.10, (1, 0): 0.101})
    widths = [
        pair.high - pair.low
        for (pair,) in (compare_values("a", found).pairs for found in (four, two))
    ]
    assert widths[0] < 0.8 * widths[1]


def test_values_are_compared_beside_what_both_have():
    """`a=1` with `b=1` alone would be blamed for what `b` does."""
    found = crossed({(0, 0): 0.10, (0, 1): 0.20, (1, 1): 0.20})
    (of_a,) = compare_values("a", found).pairs
    assert of_a.difference == pytest.approx(0.0, abs=1e-12)
    (of_b,) = compare_values("b", found).pairs
    assert of_b.difference == pytest.approx(0.1)


def test_a_conditional_hyperparameter_is_compared_where_it_exists():
    settings = {"o=s, m=0": {"o": "s", "m": 0}, "o=s, m=1": {"o": "s", "m": 1}, "o=a": {"o": "a"}}
    values = dict(zip(settings, (0.10 + SPREAD, 0.12 + SPREAD, 0.15 + SPREAD), strict=True))
    found = reruns(values, settings)
    (of_m,) = compare_values("m", found).pairs
    assert (of_m.arm, of_m.difference) == ("m=0", pytest.approx(0.02))
    (of_o,) = compare_values("o", found).pairs
    assert (of_o.arm, of_o.difference) == ("o=s", pytest.approx(0.04))


def test_effects_that_depend_on_each_other_interact():
    found = interaction("a", "b", crossed({(0, 0): 0.10, (0, 1): 0.12, (1, 0): 0.12, (1, 1): 0.10}))
    assert found.verdict == "interact"
    assert found.difference == pytest.approx(0.04)
    assert found.low > 0
    assert (found.values, found.beside) == ((0, 1), (0, 1))
    added = crossed({(0, 0): 0.10, (0, 1): 0.12, (1, 0): 0.11, (1, 1): 0.13})
    assert interaction("a", "b", added).verdict == "no interaction shown"


def test_what_is_not_crossed_cannot_interact():
    assert interaction("a", "b", crossed({(0, 0): 0.1, (1, 1): 0.2, (2, 1): 0.3})) is None
    nothing = reruns({"one": [], "other": []}, {"one": {"a": 0, "b": 0}, "other": {"a": 1, "b": 1}})
    assert interaction("a", "b", nothing) is None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_simulated_any_pair_of_equal_arms_is_called_different_in_one_study_of_twenty(shape, count):
    """So the intervals of all pairs hold together with 95 %: they are the same tests."""
    random = np.random.default_rng([count, len(shape)])
    called = [
        compare_arms(reruns(drawn(random, shape, count))).verdict == "differs" for _ in range(DRAWS)
    ]
    print(f"{count} equal arms, {shape}: some pair called different in {np.mean(called):.1%}")
    assert np.mean(called) <= 0.07


def test_simulated_arms_of_other_variance_are_told():
    random = np.random.default_rng(0)
    for count in (2, 3, 5, 10):
        called = 0
        for _ in range(DRAWS):
            values = drawn(random, "normal", count)
            found = {arm: row * (1 + 2 * (at % 2)) for at, (arm, row) in enumerate(values.items())}
            called += compare_arms(reruns(found)).verdict == "differs"
        print(
            f"{count} equal arms, deviations 1:3: some pair called different in "
            f"{called / DRAWS:.1%}"
        )
        assert called / DRAWS <= 0.14


def test_simulated_differences_beyond_the_margin_are_seldom_practically_the_same():
    random = np.random.default_rng(1)
    for count, difference in itertools.product((2, 5), (1.01, 1.5)):
        same = 0
        for _ in range(DRAWS):
            values = drawn(random, "normal", count, size=30)
            values["x=0"] = values["x=0"] + difference
            same += compare_arms(reruns(values, margin=1.0)).verdict == "practically the same"
        print(f"{count} arms, {difference} margins apart: practically the same {same / DRAWS:.1%}")
        assert same / DRAWS <= 0.07


def test_simulated_a_difference_of_three_deviations_is_seen_among_ten_arms():
    random = np.random.default_rng(2)
    seen = 0
    for _ in range(DRAWS):
        values = drawn(random, "normal", 10)
        values["x=0"] = values["x=0"] + 3
        found = compare_arms(reruns(values))
        seen += "x=0" not in found.best
    print(f"the worst of ten arms by three deviations: shown in {seen / DRAWS:.1%}")
    assert seen / DRAWS >= 0.95
