"""A threshold beyond which some trials lie, against chances that can be counted."""

import math

import numpy as np
import pytest
from scipy import stats

from tuning_playbook.analysis.end_of_range import end_of_range

PLACES = np.array([0.0, 0.1, 0.2, 0.8, 0.9, 1.0, 0.4, 0.45, 0.5, 0.55, 0.6])


@pytest.mark.parametrize(("edge", "chosen"), [("high", [5, 4, 3]), ("low", [0, 1, 2])])
def test_the_threshold_parts_the_chosen_from_the_others(edge, chosen):
    """One beside them lies elsewhere, and is not reached."""
    found = end_of_range(PLACES, np.isin(np.arange(11), [*chosen, 8]))
    assert (found.edge, found.trials.tolist()) == (edge, chosen)


@pytest.mark.parametrize(("trials", "some"), [(8, 3), (16, 4), (16, 8)])
def test_a_perfect_threshold_is_as_rare_as_there_are_choices(trials, some):
    """Of all choices of so many trials two are perfect: those at either end."""
    found = end_of_range(np.arange(trials) / trials, np.arange(trials) < some, 99_999)
    assert found.p_value == pytest.approx(2 / math.comb(trials, some), abs=2e-4, rel=0.05)
    assert len(found.trials) == some


def test_it_gains_what_the_likelihood_ratio_test_of_the_two_shares_says():
    """Wilks' statistic of the table that the threshold makes is the largest of all thresholds."""
    chosen = np.array([1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0], dtype=bool)
    found = end_of_range(np.arange(12.0), chosen)

    def statistic(below: int) -> float:
        table = [
            [chosen[:below].sum(), (~chosen[:below]).sum()],
            [chosen[below:].sum(), (~chosen[below:]).sum()],
        ]
        return stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic

    best = max(range(1, 12), key=statistic)
    assert found.trials.tolist() == list(range(best))


def test_equal_positions_lie_on_one_side():
    positions = np.repeat([0.0, 0.5, 1.0], 4)
    found = end_of_range(positions, np.arange(12) >= 7)
    assert sorted(found.trials.tolist()) == [8, 9, 10, 11]


def test_random_choices_have_a_p_value_that_is_even():
    random = np.random.default_rng(0)
    p_values = [
        end_of_range(np.arange(16.0), random.permutation(16) < 6).p_value for _ in range(300)
    ]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 300)
    assert 0.4 < np.mean(p_values) < 0.7


def test_what_no_permutation_could_show_is_as_rare_as_they_can_tell():
    """Half of 200 trials, in perfect order: one of more choices than can be drawn."""
    found = end_of_range(np.arange(200.0), np.arange(200) < 100, permutations=9999)
    assert found.p_value == 1 / 10_000
    alternating = end_of_range(np.arange(200.0), np.arange(200) % 2 == 0)
    assert alternating.p_value > 0.2
