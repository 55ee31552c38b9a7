"""The launch decision where trials are ranked by the steps to a target."""

import json

import numpy as np
import pytest
import xarray as xr

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tests.analysis.targets import reruns_to_target, with_target
from tuning_playbook.analysis.study_variance import StudyVariance
from tuning_playbook.launches.data_variance import DataVariance, what_the_splits_show
from tuning_playbook.launches.decision import decide
from tuning_playbook.launches.rivals import what_the_searches_show
from tuning_playbook.launches.what_mattered import what_mattered

BASELINE = {"learning_rate": 0.01, "weight_decay": 1e-3}


@pytest.fixture(scope="module")
def study():
    def effect(arm, positions):
        return 0.02 if arm == ADAM else 0.0

    return with_target(make_study(effect=effect), 0.15)


def decided(study, steps):
    launch = decide(study, reruns_to_target(study, steps, BASELINE), [])
    json.dumps(launch.to_json(), allow_nan=False)
    return launch


def test_a_candidate_that_is_faster_than_a_baseline_that_often_misses_is_adopted(study):
    launch = decided(
        study, {NESTEROV: [500, 600, 500, 700, 600], "baseline": [900, None, 1200, None, None]}
    )
    assert launch.decision == "adopt"
    assert launch.candidate.arm == NESTEROV
    assert launch.difference.method.endswith("rank test does not reject")
    assert launch.difference.probability_better == 1.0
    assert launch.baseline.mean is None
    assert launch.baseline.rerun_objectives == (900, None, 1200, None, None)
    assert launch.baseline.rerun_censored == (False, True, False, True, True)
    (told,) = [reason for reason in launch.reasons if "Of the baseline" in reason]
    assert told == (
        "Of the baseline, 3 of 5 reruns do not reach the target, so there is no mean, and the "
        "median is not known either."
    )
    assert (launch.objective_metric, launch.objective_target) == ("validation/error_rate", 0.15)


def test_one_lucky_seed_among_four_that_miss_it_is_not_adopted(study):
    """The mean of the seeds that reached the target would be four times as good."""
    launch = decided(study, {NESTEROV: [200, None, None, None, None], "baseline": [800, 900] * 3})
    assert launch.decision == "reject"
    assert launch.difference.improvement < 0
    assert launch.candidate.mean is None


def test_a_candidate_that_wins_more_often_is_not_rejected_for_a_median_of_none(study):
    """Most pairs of reruns miss the target both, so half of all do not differ."""
    launch = decided(study, {NESTEROV: [500, 600, None, None, None], "baseline": [None] * 5})
    assert launch.difference.improvement == 0
    assert launch.difference.probability_better == pytest.approx(0.7)
    assert launch.decision == "provisional"
    turned = decided(study, {NESTEROV: [None] * 5, "baseline": [500, 600, None, None, None]})
    assert turned.decision == "reject"


def test_nothing_is_decided_where_no_rerun_reaches_it(study):
    launch = decided(study, {NESTEROV: [None] * 5, "baseline": [None] * 5})
    assert launch.decision == "provisional"
    assert launch.difference is None
    assert any("No rerun of the candidate or of the baseline reaches" in r for r in launch.reasons)


def test_seeds_that_all_reach_it_are_compared_by_their_means(study):
    launch = decided(
        study, {NESTEROV: [500, 600, 500, 700, 600], "baseline": [900, 1000, 1200, 900, 1000]}
    )
    assert launch.decision == "adopt"
    assert launch.difference.improvement == pytest.approx(1000 - 580)
    assert "an improvement of 420 steps" in launch.reasons[0]


def test_a_difference_of_seeds_that_never_vary_is_told_by_ranks(study):
    launch = decided(study, {NESTEROV: [500] * 5, "baseline": [900] * 5})
    assert launch.decision == "adopt"
    assert launch.difference.improvement == 400


def test_a_rival_that_never_misses_it_is_told_of(study):
    launch = decided(
        study,
        {
            NESTEROV: [500, None, None, None, None],
            ADAM: [400, 400, 450, 400, 400],
            "baseline": [900] * 5,
        },
    )
    assert launch.candidate.arm == NESTEROV
    (rival,) = launch.rivals
    assert (rival.arm, rival.mean) == (ADAM, 410.0)
    assert rival.low > 0


def searches(arm, bests):
    return StudyVariance(arm, bests, None, None, None, True, True, "")


def test_a_search_that_never_reaches_it_is_lost_to_one_that_does():
    rows = [searches("a", (500.0, 600.0, None)), searches("b", (None, 400.0, None))]
    (sentence,) = what_the_searches_show(rows, "a", 1.0, counted=True)
    assert sentence.startswith("Of 2 searches with different seeds")
    assert sentence.endswith("better than that of b in 1.")


def test_a_division_on_which_it_is_missed_is_not_left_out():
    rows = [
        DataVariance("a", (500.0, 600.0), 550.0, 70.0, (500.0, 600.0)),
        DataVariance("baseline", (400.0, None), None, None, (400.0, 2100.0)),
    ]
    (sentence,) = what_the_splits_show(rows, "a", -1.0)
    assert "better than the baseline on 1; in the median of them it is better by 700." in sentence


def without_each(objectives, candidate):
    """What is told of changes whose trainings without them needed so many steps."""
    names = [name for name, steps in objectives.items() for _ in steps]
    steps = [value for given in objectives.values() for value in given]
    dataset = xr.Dataset(
        {
            "set_back": ("trial", np.array(names, dtype=object)),
            "objective": ("trial", np.array(steps, dtype=float)),
            "censored": ("trial", np.array([value is None for value in steps], np.int8)),
        },
        attrs={"objective_mode": "max", "objective_target": 0.9},
    )
    launch = {
        "candidate": {
            "trial": "0123456789",
            "rerun_objectives": candidate,
            "rerun_censored": [value is None for value in candidate],
        }
    }
    chosen = [
        {"names": [name], "candidate": {name: 0.2}, "baseline": {name: 0.0}, "adds": True}
        for name in objectives
    ]
    found = what_mattered(chosen, dataset, launch, trainings=3)
    return {item.names[0]: item for item in found.changes}


def test_a_change_without_which_the_target_is_never_reached_helps():
    steps = {"warmup_steps": [None, None, None], "dropout": [900, None, 500], "width": [810, 790]}
    found = without_each(steps, [800, 790, 810, 805, 795])
    assert (found["warmup_steps"].verdict, found["warmup_steps"].mean) == ("helps", None)
    assert "3 of 3 do not reach the target" in found["warmup_steps"].sentence
    # Of those that reached it the mean is better than the candidate's, and nothing may rest on it.
    assert (found["dropout"].verdict, found["dropout"].mean) == ("cannot tell", None)
    assert not found["dropout"].remove
    assert (found["width"].verdict, found["width"].mean) == ("no gain shown", 800.0)


def test_where_the_candidate_misses_it_itself_nothing_is_told_of_its_changes():
    found = without_each({"warmup_steps": [None] * 3, "width": [810, 790]}, [800, None, 790])
    assert [item.verdict for item in found.values()] == ["cannot tell", "cannot tell"]
