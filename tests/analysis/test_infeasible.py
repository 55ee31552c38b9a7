import json

import numpy as np
import pytest
from scipy import stats

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.analysis.infeasible import end_of_range, infeasible, rank_sum


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
    assert "high end of learning_rate: 5 of 5 trials from" in finding.summary
    low = infeasible(make_study(reason=lambda _arm, at: "x" if at["weight_decay"] < 0.3 else ""))
    assert {row["edge"] for row in low.numbers["regions"]} == {"low"}


@pytest.mark.parametrize("ties", [False, True])
def test_the_rank_sum_is_scipys(ties):
    generator = np.random.default_rng(0)
    positions = generator.integers(5, size=20) / 5 if ties else generator.random(20)
    chosen = np.arange(20) < 7
    expected = stats.mannwhitneyu(positions[chosen], positions[~chosen], method="asymptotic")
    assert 2 * stats.norm.sf(abs(rank_sum(positions, chosen))) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("edge", "chosen"), [("high", [5, 4, 3]), ("low", [0, 1, 2])])
def test_the_end_of_a_range_goes_as_far_as_the_chosen_are_in_excess(edge, chosen):
    """One beside them lies elsewhere, and is not reached."""
    positions = np.array([0.0, 0.1, 0.2, 0.8, 0.9, 1.0, 0.4, 0.45, 0.5, 0.55, 0.6])
    asked = np.isin(np.arange(11), [*chosen, 8])
    found = end_of_range(positions, asked)
    assert (found.edge, found.trials.tolist()) == (edge, chosen)
    assert found.p_value < 0.05
