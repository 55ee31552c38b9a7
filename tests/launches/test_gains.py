"""What an improvement is made of."""

import numpy as np
import pytest

from tuning_playbook.analysis.arm_comparison import compare_arms, reruns_of
from tuning_playbook.analysis.variance import summarise
from tuning_playbook.launches.gains import gains

SPREAD = 0.001 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
NORM = {"layer_norm=false": {"layer_norm": False}, "layer_norm=true": {"layer_norm": True}}


def made_of(candidate, means, settings, baseline, sign=-1.0):
    rows = {arm: summarise(arm, list(mean + SPREAD)) for arm, mean in means.items()}
    arms = [row for arm, row in rows.items() if arm != "baseline"]
    pairs = compare_arms(reruns_of(arms, settings, sign=sign, margin=0.0)).pairs
    return gains(candidate, rows, pairs, settings, baseline, sign=sign)


def test_the_gain_of_the_change_is_told_apart_from_that_of_the_tuning():
    means = {"layer_norm=false": 0.121, "layer_norm=true": 0.100, "baseline": 0.223}
    found = made_of("layer_norm=true", means, NORM, {"layer_norm": False})
    assert found.reference == "layer_norm=false"
    assert found.change.improvement == pytest.approx(0.021)
    assert found.tuning.improvement == pytest.approx(0.102)
    assert found.change.low < 0.021 < found.change.high
    assert "the change gains 0.0210 (95 % interval 0.0188 to 0.0232)" in found.sentence
    assert "The tuning gains 0.102" in found.sentence


def test_a_change_for_the_worse_has_a_negative_gain():
    means = {"layer_norm=false": 0.100, "layer_norm=true": 0.121, "baseline": 0.223}
    found = made_of("layer_norm=true", means, NORM, {"layer_norm": False})
    assert found.change.improvement == pytest.approx(-0.021)
    assert found.change.low < -0.021 < found.change.high < 0


def test_a_candidate_with_the_baselines_values_gains_by_tuning():
    means = {"layer_norm=false": 0.121, "layer_norm=true": 0.130, "baseline": 0.223}
    found = made_of("layer_norm=false", means, NORM, {"layer_norm": False})
    assert found.change is None
    assert found.tuning.improvement == pytest.approx(0.102)
    assert found.sentence.startswith("The candidate has the baseline's layer_norm")


def test_without_an_arm_of_the_baselines_values_it_is_not_known():
    settings = {f"optimizer={name}": {"optimizer": name} for name in ("nesterov", "adam")}
    means = {"optimizer=nesterov": 0.1, "optimizer=adam": 0.2, "baseline": 0.3}
    found = made_of("optimizer=adam", means, settings, {"optimizer": "momentum"})
    assert (found.reference, found.change, found.tuning) == (None, None, None)
    assert "is not known" in found.sentence


def test_one_minus_a_value_is_that_value():
    settings = {f"one_minus_b1={x}": {"one_minus_b1": x} for x in (0.1, 0.2)}
    means = {"one_minus_b1=0.1": 0.1, "one_minus_b1=0.2": 0.2, "baseline": 0.3}
    assert made_of("one_minus_b1=0.2", means, settings, {"b1": 0.9}).reference == "one_minus_b1=0.1"


def test_a_study_that_compares_nothing_has_no_gains():
    assert (
        made_of("all trials", {"all trials": 0.1, "baseline": 0.2}, {"all trials": {}}, {}) is None
    )
