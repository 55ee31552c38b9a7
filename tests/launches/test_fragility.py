"""Whether a candidate is called fragile."""

import numpy as np
import pytest

from tests.analysis.synthetic import make_reruns
from tests.analysis.test_cliff import ARM, study_of
from tuning_playbook.analysis.cliff import Cliff
from tuning_playbook.analysis.variance import summarise
from tuning_playbook.launches.decision import decide
from tuning_playbook.launches.fragility import fragility

SPREAD = 0.001 * np.array([-2.0, -1.1, 0.0, 1.2, 2.1])


def of(objectives, arm="all trials"):
    return summarise(arm, list(objectives))


def test_reruns_that_spread_far_more_than_those_of_the_baseline():
    (sentence,) = fragility(of(0.1 + 6 * SPREAD), of(0.2 + SPREAD), [])
    assert sentence.startswith("The candidate is fragile: its reruns have a standard deviation of")


@pytest.mark.parametrize("times", [0.2, 1.0, 1.9])
def test_reruns_that_spread_about_as_much_or_less_are_no_trouble(times):
    assert fragility(of(0.1 + times * SPREAD), of(0.2 + SPREAD), []) == ()


def test_reruns_that_fail_where_the_baselines_do_not():
    (sentence,) = fragility(of([*(0.1 + SPREAD[:4]), np.nan]), of(0.2 + SPREAD), [])
    assert "1 of its 5 reruns fail, and none of the baseline's does." in sentence
    both = fragility(of([*SPREAD[:4], np.nan]), of([*SPREAD[:4], np.nan]), [])
    assert both == ()


def test_nothing_is_told_without_a_candidate_or_a_baseline():
    assert fragility(None, of(SPREAD), []) == ()
    assert fragility(of(SPREAD), None, []) == ()


def test_a_cliff_beside_it_is_named():
    cliff = Cliff("learning_rate", 0.02, "high", 0.03, 6, 5, 0.001)
    (sentence,) = fragility(of(SPREAD), None, [cliff])
    assert sentence == (
        "The candidate is fragile: it lies beside a cliff. Its learning_rate is 0.02, and from "
        "0.03 on above it 5 of 6 trials fail."
    )


@pytest.mark.parametrize(
    ("shape", "most"), [("normal", 0.02), ("t with 3 degrees", 0.07), ("lognormal", 0.05)]
)
def test_equal_spreads_are_seldom_called_fragile(shape, most):
    random = np.random.default_rng(0)
    drawn = {
        "normal": lambda: random.normal(size=5),
        "t with 3 degrees": lambda: random.standard_t(3, size=5),
        "lognormal": lambda: np.exp(0.5 * random.normal(size=5)),
    }[shape]
    studies = 2000
    wrong = sum(bool(fragility(of(drawn()), of(drawn()), [])) for _ in range(studies))
    print(f"{shape}: {wrong / studies:.1%} of candidates as steady as the baseline are fragile")
    assert wrong / studies <= most + 2 * np.sqrt(most * (1 - most) / studies)


def test_a_spread_six_times_as_large_is_seen():
    random = np.random.default_rng(1)
    studies = 400
    found = sum(
        bool(fragility(of(6 * random.normal(size=5)), of(random.normal(size=5)), []))
        for _ in range(studies)
    )
    print(f"a spread six times the baseline's is seen in {found / studies:.1%}")
    assert found / studies >= 0.8


def test_a_launch_names_it_among_its_reasons():
    study = study_of(0, best_at=0.6)
    reruns = make_reruns(study, {ARM: list(0.1 + SPREAD), "baseline": list(0.2 + SPREAD)})
    launch = decide(study, reruns, [])
    (sentence,) = launch.fragile
    assert "lies beside a cliff. Its learning_rate is" in sentence
    assert sentence in launch.reasons
    calm = study_of(0, best_at=0.2)
    assert decide(calm, make_reruns(calm, {ARM: list(0.1 + SPREAD)}), []).fragile == ()
