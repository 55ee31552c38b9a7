"""Study variance: from searches made again, and from the trials of one search."""

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tests.analysis.test_best_of import TAILS, with_objectives
from tuning_playbook.analysis.study_variance import (
    BOOTSTRAP,
    best_by_bootstrap,
    one_more_search,
    study_variance,
)


def searches(*seeds, **changes):
    """A study, and the repeats of its search as `replicates.nc` has them."""
    study, *others = (make_study(seed=seed, **changes) for seed in seeds)
    numbered = [
        other.assign(replicate=("trial", np.full(other.sizes["trial"], number)))
        for number, other in enumerate(others, 1)
    ]
    return study, xr.concat(numbered, "trial", data_vars="minimal") if numbered else None


@pytest.mark.parametrize("trials", [16, 64])
@pytest.mark.parametrize("tail", TAILS)
def test_study_variance_against_searches_made_again(tail, trials):
    objectives = TAILS[tail](np.random.default_rng(3), (200, trials))
    bests = objectives.min(axis=1)
    study = make_study(arms=["all trials"], trials=trials)
    rows = [study_variance(with_objectives(study, row))[0] for row in objectives]
    ratio = np.mean([row.standard_deviation for row in rows]) / bests.std()
    covered = np.mean([row.low <= bests.mean() <= row.high for row in rows])
    print(
        f"{tail}, {trials} trials: the standard deviation is {ratio:.2f} times the true one; the "
        f"90 % interval holds the mean best of a search in {covered:.0%}"
    )
    assert 0.7 <= ratio <= 1.6
    assert covered >= 0.7


def test_arms_that_are_not_feasible():
    study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
    nesterov, adam = study_variance(study)
    assert nesterov.standard_deviation > 0
    assert (adam.bests, adam.standard_deviation, adam.low, adam.high) == ((None,), None, None, None)


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_few_trials(trials):
    assert (study_variance(make_study(trials=trials))[0].low is not None) == (trials > 1)


def test_no_study_variance_where_a_search_may_find_nothing():
    found = iter(range(100))
    study = make_study(reason=lambda *_: "" if next(found) % 16 < 2 else "diverged")
    assert study_variance(study)[0].low is None


@pytest.mark.parametrize("mode", ["min", "max"])
def test_searches_made_again_show_it_themselves(mode):
    study, replicates = searches(0, 1, 2, 3, mode=mode)
    best = np.min if mode == "min" else np.max
    for row in study_variance(study, replicates):
        bests = [
            best(each["objective"].values[each["arm"].values.astype(str) == row.arm])
            for each in (
                study,
                *(replicates.isel(trial=replicates["replicate"] == n) for n in (1, 2, 3)),
            )
        ]
        assert row.bests == pytest.approx(tuple(bests))
        assert row.repeats == row.bests[1:]
        assert row.standard_deviation == pytest.approx(np.std(bests, ddof=1))
        # Student's t of 3 degrees of freedom has its 95 % quantile at 2.3534.
        margin = 2.3534 * row.standard_deviation * np.sqrt(1.25)
        assert row.low == pytest.approx(np.mean(bests) - margin, rel=1e-4)
        assert row.high == pytest.approx(np.mean(bests) + margin, rel=1e-4)
        assert row.method == "4 searches, each with a seed of its own"


def test_two_searches_are_too_few_to_do_without_the_bootstrap():
    study, replicates = searches(0, 1)
    row = study_variance(study, replicates)[0]
    assert row.method == BOOTSTRAP
    assert len(row.bests) == 2
    assert row.low == study_variance(study)[0].low


def test_a_search_that_found_nothing_is_left_out():
    study, replicates = searches(0, 1, 2, 3)
    lost = (replicates["replicate"] == 2) & (replicates["arm"].astype(str) == NESTEROV)
    replicates["objective"] = replicates["objective"].where(~lost)
    nesterov, adam = study_variance(study, replicates)
    assert nesterov.bests[2] is None
    assert nesterov.method.startswith("3 searches")
    assert adam.method.startswith("4 searches")


@pytest.mark.parametrize("tail", TAILS)
def test_the_interval_holds_the_best_of_another_search(tail):
    drawn = TAILS[tail](np.random.default_rng(5), (300, 5, 16)).min(axis=-1)  # [case, search]
    study, replicates = searches(0, 1, 2, 3, arms=["all trials"], trials=1)
    held = []
    for *bests, further in drawn:
        study["objective"][:] = bests[0]
        replicates["objective"][:] = bests[1:]
        (row,) = study_variance(study, replicates)
        held.append(row.low <= further <= row.high)
    print(f"{tail}: the interval of four searches holds the best of a fifth in {np.mean(held):.0%}")
    assert np.mean(held) >= 0.85


def test_one_more_search_is_within_students_interval():
    deviation, low, high = one_more_search(np.array([1.0, 2.0, 3.0]))
    margin = 2.919986 * np.sqrt(4 / 3)  # the 95 % quantile of t with two degrees of freedom
    assert (deviation, low, high) == pytest.approx((1.0, 2 - margin, 2 + margin))


def test_a_bootstrap_draws_better_trials_than_the_best_there_is_but_not_far_better():
    drawn = best_by_bootstrap(np.array([0.3, 0.1, 0.2, np.nan]))
    assert drawn[0] < 0.1 < drawn[-1]
    assert drawn[0] > 0.1 - 1.4 * 0.15  # the gaps, the second one doubled, are 0.1 and 0.2
    assert (np.diff(drawn) >= 0).all()
    assert best_by_bootstrap(np.array([0.1])) is None
    assert best_by_bootstrap(np.array([0.1, 0.2, *[np.nan] * 14])) is None
