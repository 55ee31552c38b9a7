"""What the reruns themselves say against a decision."""

import numpy as np
import pytest
from scipy import stats

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tuning_playbook.analysis.variance import summarise, trial_variance
from tuning_playbook.launches.cautions import cautions

SPREAD = 0.001 * np.array([-2.0, -1.1, 0.0, 1.2, 2.1])


def said(candidate, baseline, *, sign=-1.0, sizes=None, steps=None):
    study = make_study(trials=4)
    objectives = {ADAM: list(candidate), NESTEROV: list(0.3 + SPREAD), "baseline": list(baseline)}
    reruns = make_reruns(study, objectives)
    if steps:
        reruns["max_train_steps"][:] = [steps.get(arm, 2000) for arm in reruns["arm"].values]
    rows = {row.arm: row for row in trial_variance(study, reruns)}
    hyperparameters = {arm: {"batch_size": size} for arm, size in (sizes or {}).items()}
    return cautions(rows[ADAM], rows, reruns, hyperparameters, sign=sign)


def test_ordinary_reruns_need_no_caution():
    assert said(0.1 + SPREAD, 0.2 + 1.3 * SPREAD) == []


@pytest.mark.parametrize(("bad", "sign"), [(0.9, -1.0), (0.0, 1.0)])
def test_a_run_far_worse_than_its_siblings(bad, sign):
    (sentence,) = said([*(0.1 + SPREAD), bad], 0.2 + 1.3 * SPREAD, sign=sign)
    assert sentence.startswith("Some reruns are much worse than their siblings")
    assert "(optimizer=adam)" in sentence
    better = said([*(0.1 + SPREAD), bad], 0.2 + 1.3 * SPREAD, sign=-sign)
    assert better == []  # a run far better is luck, not trouble


def test_an_infeasible_rerun_is_a_bad_run():
    (sentence,) = said(0.1 + SPREAD, [*(0.2 + 1.3 * SPREAD), np.nan])
    assert "(baseline)" in sentence


def test_ten_reruns_know_it_well_enough():
    many = np.linspace(0.1, 0.11, 10)
    assert said([*many, 0.9], 0.2 + 1.3 * SPREAD) == []


def test_five_normal_reruns_seldom_look_bad():
    random = np.random.default_rng(0)
    rows = [summarise("a", list(values)) for values in random.normal(size=(2000, 5))]
    bad = [bool(cautions(row, {"a": row}, None, {}, sign=-1.0)) for row in rows]
    assert np.mean(bad) < 0.02


def test_of_what_one_run_in_ten_spoils_a_quarter_is_adopted():
    """The figure of the sentence: equal on average, five reruns, decided by Welch's lower bound."""
    random = np.random.default_rng(1)
    shape = (10_000, 5)
    candidates = random.normal(size=shape) - 1 + 10 * (random.random(shape) < 0.1)
    welch = stats.ttest_ind(
        candidates, random.normal(size=shape), axis=1, equal_var=False, alternative="less"
    )
    adopted = float(np.mean(welch.pvalue < 0.05))
    print(f"one run in ten spoils what is no better on average: adopted {adopted:.1%}")
    assert adopted == pytest.approx(0.24, abs=0.02)


def test_a_metric_that_counts_in_steps_as_large_as_the_noise():
    counts = {"a": [7, 7, 8, 7, 8], "baseline": [9, 9, 9, 10, 9]}
    rows = {arm: summarise(arm, [count / 300 for count in of]) for arm, of in counts.items()}
    (sentence,) = cautions(rows["a"], rows, None, {}, sign=-1.0)
    assert "moves in steps of 0.003333" in sentence


def test_another_length_of_training_and_another_batch_size():
    (sentence,) = said(0.1 + SPREAD, 0.2 + 1.3 * SPREAD, steps={ADAM: 4000})
    assert "trained for 4,000 steps and the baseline for 2,000" in sentence
    (sentence,) = said(0.1 + SPREAD, 0.2 + 1.3 * SPREAD, sizes={ADAM: 128, "baseline": 64})
    assert "batches of 128 and the baseline on 64" in sentence
    assert "2 times as many examples" in sentence
