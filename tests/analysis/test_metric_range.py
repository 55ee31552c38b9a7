"""No interval of a metric's level reaches beyond what the metric can be."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, log_uniform, make_reruns, make_study
from tuning_playbook.analysis.metric_range import MetricRange, metric_range
from tuning_playbook.analysis.sampled_values import sampled_values
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.dataset.searched import to_attributes

NEAR_ZERO = [0.0, 0.0, 0.0, 0.0, 0.02]


def within(study, low=0.0, high=1.0):
    study["objective"].attrs |= {"valid_min": low, "valid_max": high}
    return study


def test_the_range_is_the_declared_one():
    assert metric_range(make_study()) == MetricRange(-np.inf, np.inf)
    assert metric_range(within(make_study())) == MetricRange(0.0, 1.0)


def test_a_declared_end_moves_out_to_an_objective_that_lies_beyond():
    study = within(make_study(), low=0.5)
    assert metric_range(study) == MetricRange(float(study["objective"].min()), 1.0)


def test_the_range_of_a_study_without_a_feasible_trial_is_the_declared_one():
    study = within(make_study(reason=lambda *_: "diverged"))
    assert metric_range(study) == MetricRange(0.0, 1.0)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_interval_of_a_mean_is_cut_off(mode):
    """Student's interval of an error rate of four zeros and a 0.02 begins at -0.007."""
    study = make_study(mode=mode)
    near = np.array(NEAR_ZERO) if mode == "min" else 1 - np.array(NEAR_ZERO)
    reruns = make_reruns(study, dict.fromkeys([NESTEROV, ADAM, "baseline"], near))
    whole = trial_variance(study, reruns)
    cut = trial_variance(within(study), within(reruns))
    assert min(row.low for row in whole) < 0 or max(row.high for row in whole) > 1
    for row, before in zip(cut, whole, strict=True):
        assert 0 <= row.low <= row.mean <= row.high <= 1
        assert (row.mean, row.standard_deviation) == (before.mean, before.standard_deviation)
        # The digits that a mean is written with are those of the whole interval.
        assert row.error == pytest.approx(before.error)


def test_the_band_of_a_curve_is_cut_off():
    arms = ["all trials"]
    study = make_study(
        arms=arms,
        trials=40,
        level=0.01,
        trial_noise=0.04,
        searched=[log_uniform("rate", 1e-3, 1.0, arms)],
        effect=lambda _arm, at: 0.5 * (at["rate"] - 0.5) ** 2,
    )
    scientific = log_uniform("rate", 1e-3, 1.0, arms)
    study["hp_rate"].attrs |= to_attributes([scientific]) | {"role": "scientific"}
    study["objective"][:] = np.maximum(study["objective"].values, 0.0)
    (whole,) = sampled_values(study)
    (cut,) = sampled_values(within(study))
    assert min(whole.objective_low) < 0 == min(cut.objective_low)
    assert cut.sentence == whole.sentence
    assert max(cut.objective_high) == max(whole.objective_high)
