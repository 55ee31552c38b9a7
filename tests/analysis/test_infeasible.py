import json

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.infeasible import comparisons_for_each, infeasible


def lose(count: int, arm: str = ADAM, texts=("diverged at step 120", "diverged at step 3.5e+02")):
    lost = []

    def reason(in_arm, _at):
        if in_arm == arm and len(lost) < count:
            lost.append(in_arm)
            return texts[len(lost) % len(texts)]
        return ""

    return reason


def test_all_feasible():
    finding = infeasible(make_study(trials=4))
    assert (finding.answer, finding.summary) == ("ok", "All 8 trials are feasible.")


def test_counts_and_reasons_of_each_arm():
    finding = infeasible(make_study(trials=8, reason=lose(3)))
    adam = finding.numbers["arms"][1]
    assert finding.answer == "ok"
    assert (adam["trials"], adam["infeasible"], adam["fraction"]) == (8, 3, 0.375)
    assert adam["reasons"] == [{"reason": "diverged at step …", "trials": 3}]
    assert len(finding.trials) == 3
    json.dumps(finding.to_json(), allow_nan=False)


def test_more_than_half_of_an_arm_is_a_warning():
    finding = infeasible(make_study(trials=8, reason=lose(5)))
    assert finding.answer == "warning"
    assert f"{ADAM} has 3 of 8 trials feasible" in finding.summary
    assert NESTEROV not in finding.summary


def test_an_arm_that_cannot_be_compared_is_a_problem():
    assert infeasible(make_study(trials=8, reason=lose(6))).answer == "problem"
    finding = infeasible(make_study(trials=8, reason=lose(8)))
    assert finding.answer == "problem"
    assert f"{ADAM} has none of 8 trials feasible" in finding.summary
    assert not finding.numbers["hint_of_a_bug"]


def test_a_single_infeasible_trial_of_two_leaves_an_arm():
    assert infeasible(make_study(trials=2, reason=lose(1))).answer == "ok"
    assert infeasible(make_study(trials=1, reason=lose(1))).answer == "problem"


def test_nearly_all_hints_of_a_bug():
    finding = infeasible(make_study(trials=4, reason=lambda *_: "loss is not finite"))
    assert finding.answer == "problem"
    assert finding.numbers["hint_of_a_bug"]
    assert "bug in the training code" in finding.advice


def test_an_arm_without_trials():
    study = make_study(trials=2)
    study.attrs["arms"] = [*study.attrs["arms"], "optimizer=sgd"]
    finding = infeasible(study)
    assert finding.answer == "problem"
    assert "optimizer=sgd has none of 0 trials feasible." in finding.summary


def test_where_in_the_space_they_lie():
    def reason(arm, at):
        return "diverged" if arm == ADAM and at["learning_rate"] > 2 / 3 else ""

    study = make_study(reason=reason)
    finding = infeasible(study)
    (row,) = finding.numbers["regions"]
    assert (row["arm"], row["hyperparameter"], row["edge"]) == (ADAM, "learning_rate", "high")
    assert (row["beyond"], row["infeasible_beyond"]) == (5, 5)
    lost = np.isnan(study["objective"].values)
    assert row["value"] == study["hp_learning_rate"].values[lost].min()
    assert "failures begin at learning_rate = " in finding.summary
    assert "5 of 5 trials with that or more are infeasible" in finding.summary
    low = infeasible(make_study(reason=lambda _arm, at: "x" if at["weight_decay"] < 0.3 else ""))
    assert {row["edge"] for row in low.numbers["regions"]} == {"low"}


def above_the_middle(arm, at):
    return "diverged" if arm == ADAM and at["learning_rate"] > 0.5 else ""


def test_half_of_an_arm_beyond_one_value_is_a_warning_that_names_it():
    study = make_study(reason=above_the_middle)
    finding = infeasible(study)
    lost = np.isnan(study["objective"].values)
    value = study["hp_learning_rate"].values[lost].min()
    assert lost.sum() == 8
    assert finding.answer == "warning"
    assert f"failures begin at learning_rate = {value:.4g}: 8 of 8 trials" in finding.summary
    assert "and none of 8 below it" in finding.summary
    assert f"End the range of learning_rate of {ADAM} below {value:.4g}." in finding.advice
    assert finding.arms == (ADAM,)
    json.dumps(finding.to_json(), allow_nan=False)


def test_an_upper_quarter_that_breaks_down_is_named_and_no_warning():
    def reason(arm, at):
        return "diverged" if arm == ADAM and at["learning_rate"] > 0.75 else ""

    finding = infeasible(make_study(reason=reason))
    assert finding.answer == "ok"
    assert [row["infeasible_beyond"] for row in finding.numbers["regions"]] == [4]


def test_failures_at_both_ends_of_a_range():
    def reason(arm, at):
        return "failed" if arm == ADAM and abs(at["learning_rate"] - 0.5) > 0.25 else ""

    regions = infeasible(make_study(trials=32, reason=reason)).numbers["regions"]
    assert {row["edge"] for row in regions} == {"low", "high"}
    assert [row["infeasible_beyond"] for row in regions] == [8, 8]
    assert regions[1]["infeasible_inside"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_half_of_an_arm_at_random_places_has_no_threshold(seed):
    places = np.random.default_rng(seed).permutation(16)[:8]
    study = make_study(reason=lambda *_: "")
    study["objective"][places] = np.nan
    assert infeasible(study).numbers["regions"] == []


@pytest.mark.parametrize("arms", [(ADAM,), (NESTEROV,), (ADAM, NESTEROV)], ids=len)
def test_eight_trials_to_an_arm_show_where_half_of_them_fail(arms):
    """Each arm has several hyperparameters."""

    def reason(arm, at):
        return "diverged" if arm in arms and at["learning_rate"] > 0.5 else ""

    for seed in range(20):
        rows = infeasible(make_study(seed=seed, trials=8, reason=reason)).numbers["regions"]
        assert {row["arm"] for row in rows if row["hyperparameter"] == "learning_rate"} == set(arms)


def test_eight_trials_that_fail_anywhere_show_nothing():
    found = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        lost = set(generator.permutation(8)[:4].tolist())
        number = iter(range(16))
        study = make_study(
            seed=seed, trials=8, reason=lambda *_, n=number, out=lost: "lost" * (next(n) - 8 in out)
        )
        found += bool(infeasible(study).numbers["regions"])
    print(f"infeasible, half of 8 at random: a threshold is claimed in {found:.1f} %")
    assert found <= 5 + 2 * np.sqrt(0.05 * 0.95 * 100)


@pytest.mark.parametrize(
    ("arms", "chances", "times"),
    [
        ("a", [0.01], [1]),
        ("aab", [0.02, 0.5, 0.9], [4, 3, 2]),
        ("aab", [0.02, 0.5, 0.04], [2, 3, 1]),
        ("abc", [0.9, 0.9, 0.9], [3, 3, 3]),
    ],
)
def test_arms_whose_p_values_are_small_together_may_have_larger_ones(arms, chances, times):
    assert comparisons_for_each(list(arms), np.array(chances)).tolist() == times
