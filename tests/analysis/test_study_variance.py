"""Study variance: what the trials of one search, or of several, say of another one's best."""

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, ARMS, NESTEROV, make_reruns, make_study
from tests.analysis.test_best_of import SHAPES, with_objectives
from tuning_playbook.analysis.metric_range import MetricRange
from tuning_playbook.analysis.study_variance import (
    chance_of_worse,
    one_more_search,
    study_variance,
    worst_of_another_search,
)
from tuning_playbook.search.halton import halton

SEARCHES = 400
LEAST = 0.9 - 2 * np.sqrt(0.9 * 0.1 / SEARCHES)
"""Two standard errors below nine in ten."""


def searches(*seeds, **changes):
    """A study, and the repeats of its search as `replicates.nc` has them."""
    study, *others = (make_study(seed=seed, **changes) for seed in seeds)
    numbered = [
        other.assign(replicate=("trial", np.full(other.sizes["trial"], number)))
        for number, other in enumerate(others, 1)
    ]
    return study, xr.concat(numbered, "trial", data_vars="minimal") if numbered else None


def holds(row, best):
    """Whether an interval holds the best of another search, NaN where no trial was feasible."""
    within = (row.low is None or row.low <= best) and (row.high is None or best <= row.high)
    return row.high_open if np.isnan(best) else within


@pytest.mark.parametrize(("trials", "repeats"), [(8, 0), (16, 0), (64, 0), (16, 1), (16, 3)])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_holds_the_best_of_another_search(shape, trials, repeats):
    draw, _ = SHAPES[shape]
    study, replicates = searches(*range(1 + repeats), arms=["all trials"], trials=trials)
    rng = np.random.default_rng([8, list(SHAPES).index(shape)])
    held, known = [], []
    for values in draw(rng, (SEARCHES, 2 + repeats, trials)):
        with_objectives(study, values[0])
        if repeats:
            with_objectives(replicates, values[1:-1].ravel())
        (row,) = study_variance(study, replicates)
        feasible = values[-1][np.isfinite(values[-1])]
        held.append(holds(row, feasible.min() if len(feasible) else np.nan))
        known.append(not row.high_open)
    print(
        f"{shape}, {1 + repeats} x {trials} trials: the best of another search falls into the "
        f"interval in {np.mean(held):.1%}; its worse end is known in {np.mean(known):.0%}"
    )
    assert np.mean(held) >= LEAST
    assert np.mean(known) > 0.5 or "infeasible" in shape


@pytest.mark.parametrize("dimensions", [2, 4])
def test_of_quasi_random_searches_it_holds_the_best_more_often(dimensions):
    """The objective is a bowl around a random point of the search space."""
    held = []
    for number in range(100):
        centre = np.random.default_rng(number).random(dimensions)
        one, other = (
            ((np.array(halton(16, dimensions, seed)) - centre) ** 2).sum(axis=1)
            for seed in (2 * number, 2 * number + 1)
        )
        held.append(other.min() <= worst_of_another_search(one, 16))
    print(f"Halton, {dimensions} hyperparameters: held in {np.mean(held):.0%}")
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_better_end_is_open_and_stands_at_what_the_metric_can_be(mode):
    study = make_study(mode=mode)
    (row, _) = study_variance(study)
    best, open_end = row.bests[0], row.low if mode == "min" else row.high
    assert (row.low_open, row.high_open) == ((True, False) if mode == "min" else (False, True))
    assert open_end is None
    assert row.method == "the trials of one search"
    worse = row.high if mode == "min" else row.low
    fourth = sorted(study["objective"].values[:16], reverse=mode == "max")[3]
    assert (worse, best == worse) == (fourth, False)
    study["objective"].attrs |= {"valid_min": 0.0, "valid_max": 1.0}
    (row, _) = study_variance(study)
    assert (row.low, row.high) == ((0.0, fourth) if mode == "min" else (fourth, 1.0))


def test_a_single_search_tells_no_standard_deviation():
    assert study_variance(make_study())[0].standard_deviation is None


def test_an_arm_without_a_feasible_trial():
    study = make_study(reason=lambda arm, _at: "diverged" if arm == ADAM else "")
    nesterov, adam = study_variance(study)
    assert not nesterov.high_open
    assert (adam.bests, adam.low, adam.high) == ((None,), None, None)
    assert adam.low_open
    assert adam.high_open


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_few_trials_leave_both_ends_open(trials):
    (row, _) = study_variance(make_study(trials=trials))
    assert (row.low_open, row.high_open) == (True, trials < 3)


def test_the_worse_end_is_open_where_a_search_may_find_nothing():
    found = iter(range(100))
    study = make_study(reason=lambda *_: "" if next(found) % 16 < 2 else "diverged")
    assert study_variance(study)[0].high_open


@pytest.mark.parametrize("mode", ["min", "max"])
def test_searches_made_again_have_a_standard_deviation(mode):
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
        assert row.method == "the trials of 4 searches, each with a seed of its own"


def test_more_searches_bring_the_end_nearer():
    draw, _ = SHAPES["normal"]
    rng = np.random.default_rng(9)
    ends = [
        np.mean([worst_of_another_search(row, 16) for row in draw(rng, (300, 16 * number))])
        for number in (1, 2, 4, 8)
    ]
    assert ends == sorted(ends, reverse=True)


def test_a_search_that_found_nothing_is_counted_all_the_same():
    study, replicates = searches(0, 1, 2, 3)
    lost = (replicates["replicate"] == 2) & (replicates["arm"].astype(str) == NESTEROV)
    whole = study_variance(study, replicates)
    replicates["objective"] = replicates["objective"].where(~lost)
    nesterov, adam = study_variance(study, replicates)
    assert nesterov.bests[2] is None
    assert nesterov.high >= whole[0].high
    assert adam == whole[1]


@pytest.mark.parametrize(("known", "trials"), [(4, 4), (16, 16), (48, 16), (3, 9)])
def test_the_chance_of_a_worse_best_is_that_of_drawing(known, trials):
    drawn = np.random.default_rng(10).random((40_000, known + trials))
    ordered, bests = np.sort(drawn[:, :known], axis=1), drawn[:, known:].min(axis=1)
    worse = np.mean(bests[:, None] > ordered, axis=0)
    assert chance_of_worse(known, trials) == pytest.approx(worse, abs=0.01)


def of_same_points(study, points, studies=5):
    """Reruns as the other studies of a source have them: of every configuration, in each."""
    study = study.assign(source_study=("trial", np.full(study.sizes["trial"], "study_0")))
    again = make_reruns(study, {arm: [0.0] * studies * points for arm in study.attrs["arms"]})
    of = np.concatenate(
        [
            np.tile(study["trial"].values[study["arm"].values == arm], studies)
            for arm in study.attrs["arms"]
        ]
    )
    names = np.tile(np.repeat([f"study_{n}" for n in range(studies)], points), len(ARMS))
    return study, again.assign(
        rerun_of=("trial", of),
        source_study=("trial", names),
        objective=("trial", 0.1 + 0.01 * np.random.default_rng(11).normal(size=len(of))),
    )


def test_studies_of_an_imported_set_are_repeats_of_its_search():
    study, reruns = of_same_points(make_study(trials=5), 5)
    rows = study_variance(study, None, reruns)
    for row in rows:
        arm = set(study["trial"].values[study["arm"].values == row.arm])
        bests = [
            reruns["objective"]
            .values[
                (reruns["source_study"].values == f"study_{n}")
                & [trial in arm for trial in reruns["rerun_of"].values]
            ]
            .min()
            for n in (1, 2, 3, 4)
        ]
        own = study["objective"].values[study["arm"].values == row.arm].min()
        assert row.bests == pytest.approx((own, *bests))
        assert row.standard_deviation == pytest.approx(np.std(row.bests, ddof=1))
        assert (row.low, row.high) == pytest.approx(tuple(one_more_search(np.array(row.bests))))
        assert row.method == "the bests of 5 searches of the same points, each with its own seeds"
        assert not row.low_open
        assert not row.high_open


def test_a_study_that_lacks_a_configuration_is_no_repeat():
    study, reruns = of_same_points(make_study(trials=5), 5)
    rows = study_variance(study, None, reruns.isel(trial=slice(1, None)))
    assert {len(row.bests) for row in rows} == {5}  # the first row was study_0's own
    rows = study_variance(study, None, reruns.drop_isel(trial=8))
    assert {len(row.bests) for row in rows} == {4}


def test_trials_of_several_studies_with_other_points_are_one_search():
    study, reruns = of_same_points(make_study(trials=5), 5)
    study["source_study"][3] = "study_1"
    assert study_variance(study, None, reruns) == study_variance(study)


NOISES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t with 3 degrees": lambda rng, shape: rng.standard_t(3, size=shape),
    "lognormal": lambda rng, shape: 0.5 * rng.lognormal(size=shape),
    "lognormal to the better side": lambda rng, shape: -0.5 * rng.lognormal(size=shape),
}


@pytest.mark.parametrize("searched", [3, 5])
@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_of_the_same_points_holds_the_best_of_one_more(noise, searched):
    rng = np.random.default_rng(12)
    points = 2 * rng.normal(size=(SEARCHES, 1, 5))
    bests = (points + NOISES[noise](rng, (SEARCHES, searched + 1, 5))).min(axis=-1)
    ends = [one_more_search(row[:-1]) for row in bests]
    held = np.mean([low <= row[-1] <= high for (low, high), row in zip(ends, bests, strict=True)])
    print(f"{noise}, {searched} searches of five points: held in {held:.1%}")
    assert held >= LEAST


def test_one_more_search_is_within_students_interval():
    margin = 3.578247 * np.sqrt(4 / 3)  # the 96.5 % quantile of t with two degrees of freedom
    found = one_more_search(np.array([1.0, 2.0, 3.0]))
    assert found.tolist() == pytest.approx([2 - margin, 2 + margin])


def test_no_interval_reaches_beyond_what_the_metric_can_be():
    study, reruns = of_same_points(make_study(trials=5), 5)
    reruns["objective"][:] = 0.1 * np.random.default_rng(13).random(reruns.sizes["trial"])
    study["objective"].attrs |= {"valid_min": 0.0, "valid_max": 1.0}
    assert {row.low for row in study_variance(study, None, reruns)} == {0.0}
    assert MetricRange(0.0, 1.0).clip(np.array([-0.1, 0.3, 1.4])).tolist() == [0.0, 0.3, 1.0]
