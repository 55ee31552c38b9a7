"""The range of what nobody gave a range: from the trials, and from those of which arms."""

import random

import pytest

from tuning_playbook.sources.derived_ranges import conditions_of, differ_clearly, range_of
from tuning_playbook.study.distributions import Distribution


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.001, 0.01, 0.5], Distribution("log_uniform", 0.001, 0.5)),
        ([0.07, 0.7, 0.3], Distribution("log_uniform", 0.07, 0.7)),
        ([0.2, 0.5, 0.3], Distribution("uniform", 0.2, 0.5)),
        ([0.0, 0.5, 10.0], Distribution("uniform", 0.0, 10.0)),
        ([-1.0, 0.5, 10.0], Distribution("uniform", -1.0, 10.0)),
        ([2, 3, 5], Distribution("int_uniform", 2, 5)),
        ([16, 64, 256], Distribution("log_int_uniform", 16, 256)),
        ([1, 0.4, 0.25], Distribution("uniform", 0.25, 1)),
        ([32, 64, 32, 128], Distribution("log_int_uniform", 32, 128)),
        ([0.2, 0.1, 0.4], Distribution("uniform", 0.1, 0.4)),
        ([0.2, 0.1, 0.4, 0.8], Distribution("log_uniform", 0.1, 0.8)),
        ([0.9, 0.95, 1.0], Distribution("uniform", 0.9, 1.0)),
        ([1, 2, 3], Distribution("int_uniform", 1, 3)),
    ],
)
def test_numbers_span_a_range_that_is_logarithmic_over_a_factor_of_ten(values, expected):
    assert range_of(values) == expected


BY_FACTORS = [
    *("lr", "learning_rate", "peak_lr", "lr_bias", "adam_eps", "weight_decay", "wd", "l2_penalty"),
    *("one_minus_momentum", "one_minus_b1", "step_size"),
]
NOT_BY_FACTORS = [
    *("dropout_rate", "drop_rate", "momentum", "b2", "width", "final_lr_factor", "lr_decay_factor"),
    *(
        "min_lr_ratio",
        "label_smoothing",
        "warmup_lr_share",
        "alert",
        "flr",
        "reward_scale",
        "eta0s",
    ),
]


@pytest.mark.parametrize("name", BY_FACTORS)
def test_what_is_chosen_by_factors_has_a_logarithmic_range_however_narrow(name):
    assert range_of([0.1, 0.15, 0.3], name) == Distribution("log_uniform", 0.1, 0.3)
    assert range_of([0.0, 0.15, 0.3], name) == Distribution("uniform", 0.0, 0.3)


@pytest.mark.parametrize("name", NOT_BY_FACTORS)
def test_what_is_not_chosen_by_factors_has_a_linear_range(name):
    assert range_of([0.1, 0.15, 0.3], name) == Distribution("uniform", 0.1, 0.3)


@pytest.mark.parametrize(
    "values", [[0.1, 0.2], [0.1, 0.2, 0.2], ["a", "b", "c"], [True, False, True], [1, 2, 3, "x"]]
)
def test_two_values_texts_and_truth_values_span_none(values):
    assert range_of(values) is None


def drawn(low, high, count, seed):
    rng = random.Random(seed)
    return [low * (high / low) ** rng.random() for _ in range(count)]


@pytest.mark.parametrize("count", [2, 3, 5, 8, 16, 50])
def test_draws_from_one_range_seldom_differ(count):
    pairs = [
        differ_clearly(drawn(1e-4, 1e-1, count, seed), drawn(1e-4, 1e-1, count, -1 - seed))
        for seed in range(300)
    ]
    # Of so few as two or three draws every third or tenth pair does not overlap.
    assert sum(pairs) <= {2: 120, 3: 40}.get(count, 12)


def test_a_range_within_a_wider_one_differs_where_enough_trials_lie_beyond_its_end():
    narrow, wide = drawn(1e-3, 1e-1, 16, 1), drawn(1e-5, 1e-1, 16, 2)
    assert differ_clearly(narrow, wide)
    assert differ_clearly(wide, narrow)
    assert not differ_clearly(narrow[:3], wide[:3])


def test_a_list_that_is_moved_by_one_value_differs_as_its_ends_are_exact():
    one, other = [1e-3, 1e-2, 1e-1] * 3, [1e-4, 1e-3, 1e-2] * 3
    assert differ_clearly(one, other)
    assert not differ_clearly(one, one[:4])


def test_ends_that_are_nearly_one_do_not_differ_however_many_trials_there_are():
    assert not differ_clearly(drawn(1e-4, 1e-1, 300, 1), drawn(2e-4, 1e-1, 300, 2))


@pytest.mark.parametrize("constant", [[0.1, 0.1, 0.1], [0.1], [], ["adam", "sgd"]])
def test_what_has_no_range_differs_from_none(constant):
    assert not differ_clearly(constant, [1e-5, 1e-4, 1e-3])


LOW, HIGH = [1e-5, 1e-4, 2e-4, 1e-3], [1e-2, 1e-1, 3e-1, 1.0]


def test_ranges_depend_on_the_fewest_hyperparameters_that_tell_them_apart():
    settings = {
        f"{optimizer}, {depth}": {"depth": depth, "optimizer": optimizer}
        for optimizer in ("adam", "sgd")
        for depth in (1, 2)
    }
    by_optimizer = {arm: LOW if "adam" in arm else HIGH for arm in settings}
    assert conditions_of(by_optimizer, settings) == ("optimizer",)
    by_both = {arm: LOW if arm in ("adam, 1", "sgd, 2") else HIGH for arm in settings}
    assert conditions_of(by_both, settings) == ("depth", "optimizer")
    assert conditions_of(dict.fromkeys(settings, LOW), settings) == ()
    assert conditions_of({}, settings) == ()
