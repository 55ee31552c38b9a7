"""The statistics of many comparisons, against published tables and by simulation."""

import itertools

import numpy as np
import pytest
from scipy import optimize, special, stats

from tuning_playbook.analysis.simultaneous import (
    MOST_VALUES,
    Samples,
    contrasts,
    enough,
    moderated,
    one_sided_p,
    samples_of,
    worse_than_another,
)


def all_pairs(count):
    rows = np.zeros((count * (count - 1) // 2, count))
    for row, (one, other) in zip(rows, itertools.combinations(range(count), 2), strict=True):
        row[one], row[other] = 1.0, -1.0
    return rows


def alike(means, variance=1.0, count=5):
    """Samples of one variance, so that nothing is left for the moderation to tell apart."""
    size = len(means)
    return Samples((count,) * size, np.asarray(means, float), np.full(size, variance))


def test_two_samples_are_compared_by_welch():
    random = np.random.default_rng(0)
    one, other = random.normal(size=5), 3 * random.normal(size=7) + 1
    found = samples_of([one, other])
    (contrast,) = contrasts(found, np.array([[1.0, -1.0]]))
    welch = stats.ttest_ind(one, other, equal_var=False)
    assert contrast.estimate == pytest.approx(one.mean() - other.mean())
    assert contrast.p == pytest.approx(welch.pvalue, abs=0.02)
    low, high = welch.confidence_interval()
    assert (contrast.low, contrast.high) == pytest.approx((low, high), rel=0.1)


@pytest.mark.parametrize("count", [3, 5, 10])
def test_pairs_of_samples_of_one_variance_come_near_tukeys_intervals(count):
    """Tukey's assume one variance; these also allow for its not being one, so they are wider."""
    (first, *_) = contrasts(alike(np.zeros(count)), all_pairs(count))
    tukey = stats.studentized_range.ppf(0.95, count, 4 * count) / np.sqrt(5)
    assert tukey <= first.high <= 1.2 * tukey
    assert first.low == -first.high


def test_the_comparison_with_the_best_comes_near_hsus_critical_value():
    """It is that of four t values that share a sample, so that any two correlate by a half."""
    distances = np.linspace(1.5, 3.5, 41)
    error = np.sqrt(2 / 5)
    shared = stats.multivariate_t(shape=(np.eye(4) + 1) / 2, df=20, seed=0)
    hsu = optimize.brentq(lambda d: shared.cdf(np.full(4, d)) - 0.95, 1.5, 3.5, xtol=0.01)
    known = [
        worse_than_another(alike([0, distance * error, 0, 0, 0]), 0, others=range(1, 5))
        for distance in distances
    ]
    assert np.all(np.diff(known) <= 0)
    assert hsu <= np.interp(-0.05, -np.array(known), distances) <= 1.1 * hsu


def test_the_best_one_is_never_worse():
    samples = samples_of(
        [[0.3, 0.5, 0.4, 0.6, 0.1], [0.1, 0.2, 0.3, 0.1, 0.1], [0.0, 0.1, 0, 0, 0]]
    )
    assert worse_than_another(samples, 0, others=[1, 2]) > 0.5
    assert worse_than_another(samples, 2, others=[0, 1]) < 0.05


def test_p_values_and_intervals_agree():
    random = np.random.default_rng(1)
    seen = set()
    for _ in range(50):
        found = samples_of(random.normal(size=(4, 5)) + np.array([[0], [0], [1], [2]]))
        for contrast in contrasts(found, all_pairs(4)):
            assert (contrast.p <= 0.05) == (contrast.low > 0 or contrast.high < 0)
            seen.add(contrast.p <= 0.05)
    assert seen == {True, False}


def test_the_order_of_the_samples_changes_nothing():
    values = [[0.1, 0.2, 0.4, 0.3, 0.2], [0.5, 0.4, 0.4, 0.6, 0.9], [0.1, 0.0, 0.2, 0.4, 0.3, 0.2]]
    ps = [
        worse_than_another(
            samples_of([values[place] for place in order]),
            order.index(0),
            others=[place for place in range(3) if place != order.index(0)],
        )
        for order in itertools.permutations(range(3))
    ]
    assert np.ptp(ps) < 0.01


def test_variances_that_differ_by_chance_are_pooled_and_others_are_not():
    random = np.random.default_rng(2)
    equal = random.chisquare(4, (2000, 10)) / 4
    drawn, degrees = moderated(equal, (5,) * 10)
    assert np.median(drawn.std(axis=1)) < 0.3 * np.median(equal.std(axis=1))
    assert np.median(degrees) > 20
    apart = equal * np.array([1.0] * 5 + [81.0] * 5)
    drawn, degrees = moderated(apart, (5,) * 10)
    assert np.median(drawn[:, 5:].mean(axis=1) / drawn[:, :5].mean(axis=1)) > 40
    assert np.median(degrees) < 7


def test_the_inverse_of_trigamma_is_one():
    """Through the degrees of a prior that is known: variances of an inverse chi-square law."""
    random = np.random.default_rng(3)
    prior = 6.0
    true = prior / random.chisquare(prior, (200, 200))
    _, degrees = moderated(true * random.chisquare(9, (200, 200)) / 9, (10,) * 200)
    assert np.median(degrees[:, 0]) - 9 == pytest.approx(prior, rel=0.15)


def test_a_sample_of_equal_values_beside_others_has_some_variance():
    found = samples_of([[0.5] * 5, [0.4, 0.5, 0.6, 0.5, 0.4], [0.3, 0.5, 0.2, 0.4, 0.3]])
    assert all(
        np.isfinite(item.high) and 0 < item.p <= 1 for item in contrasts(found, all_pairs(3))
    )


def test_samples_without_any_variance_are_none():
    assert samples_of([[0.5] * 5, [0.4] * 5]) is None
    assert samples_of([[0.1 + 0.2] * 5, [0.3] * 5]) is None


@pytest.mark.parametrize("difference", [0.5, 1.0, 2.0])
def test_so_many_values_show_a_difference_four_times_in_five(difference):
    random = np.random.default_rng(4)
    needed = enough(alike([0.0, difference]), np.array([[1.0, -1.0]]))
    shown = 0
    for _ in range(400):
        values = random.normal([[0.0], [difference]], size=(2, needed))
        (contrast,) = contrasts(samples_of(values), np.array([[1.0, -1.0]]))
        shown += contrast.p <= 0.05
    assert shown / 400 == pytest.approx(0.8, abs=0.08)


def test_a_margin_is_settled_by_showing_that_nothing_exceeds_it():
    pair = np.array([[1.0, -1.0]])
    samples = alike([0.0, 0.01])
    assert enough(samples, pair) > 100_000
    needed = enough(samples, pair, margin=1.0)
    assert 10 < needed < 40
    random = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        values = random.normal([[0.0], [0.01]], size=(2, needed))
        (contrast,) = contrasts(samples_of(values), pair)
        inside += max(abs(contrast.low), abs(contrast.high)) < 1.0
    assert inside / 400 >= 0.72


def test_equal_means_are_never_told_apart():
    assert enough(alike([0.0, 0.0]), np.array([[1.0, -1.0]])) == MOST_VALUES


def test_one_sided_families_are_calibrated():
    """Equal samples, some rows: the smallest p-value is below 5 % in 5 % of them."""
    random = np.random.default_rng(6)
    rows = np.array([[1.0, -0.5, -0.5, 0.0], [0.0, 1.0, 0.0, -1.0]])
    ps = [one_sided_p(samples_of(random.normal(size=(4, 6))), rows) for _ in range(1000)]
    assert np.mean(np.array(ps) <= 0.05) == pytest.approx(0.05, abs=0.02)
    assert special.kolmogi(0.001) / np.sqrt(1000) > stats.kstest(ps, "uniform").statistic


class TestWithAVarianceMeasuredBefore:
    """Two reruns of each, and the variance of twenty earlier ones."""

    def test_two_samples_are_compared_by_students_t_with_all_degrees_of_freedom(self):
        one, other = [1.0, 1.4], [2.0, 2.2]
        earlier = 0.09, 18
        found = samples_of([one, other], earlier)
        (contrast,) = contrasts(found, np.array([[1.0, -1.0]]))
        pooled = (18 * 0.09 + np.var(one, ddof=1) + np.var(other, ddof=1)) / 20
        error = np.sqrt(pooled * (1 / 2 + 1 / 2))
        expected = 2 * stats.t.sf(abs(np.mean(one) - np.mean(other)) / error, 20)
        assert contrast.p == pytest.approx(expected, rel=0.05)
        width = stats.t.ppf(0.975, 20) * error
        assert contrast.high - contrast.estimate == pytest.approx(width, rel=0.02)

    def test_single_values_are_enough(self):
        found = samples_of([[1.0], [3.0]], (0.25, 18))
        (contrast,) = contrasts(found, np.array([[1.0, -1.0]]))
        expected = 2 * stats.t.sf(2.0 / (0.5 * np.sqrt(2)), 18)
        assert contrast.p == pytest.approx(expected, rel=0.15)
        assert worse_than_another(found, 0, others=[1]) < 0.05

    def test_values_that_agree_are_no_reason_to_give_up(self):
        assert samples_of([[1.0, 1.0], [1.0, 1.0]], (0.25, 18)) is not None

    @pytest.mark.parametrize("count", [2, 5])
    def test_equal_means_are_told_apart_in_one_study_in_twenty(self, count):
        random = np.random.default_rng(0)
        wrong = 0
        for _ in range(400):
            earlier = 4.0 * random.chisquare(18) / 18
            samples = samples_of(2 * random.normal(size=(count, 2)), (earlier, 18))
            wrong += min(found.p for found in contrasts(samples, all_pairs(count))) <= 0.05
        print(f"{count} arms, two reruns, an earlier variance: {wrong / 400:.1%}")
        assert wrong / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)

    def test_how_many_values_are_enough_is_found_from_it(self):
        found = samples_of([[1.0, 1.1], [1.4, 1.6]], (0.09, 18))
        assert 5 <= enough(found, np.array([[1.0, -1.0]])) <= 12
