"""What is told of a trial that gave other bits."""

import statistics

import numpy as np
import pytest
import xarray as xr

from tuning_playbook.archive.compare import (
    differing_curves,
    differing_variables,
    trial_variance,
)
from tuning_playbook.archive.machine import differences
from tuning_playbook.trials.record import NO_CURVES, Curves, TrialRecord


def test_one_bit_is_a_difference_and_a_nan_is_none():
    values = np.array([1.0, np.nan], np.float32)
    other = values.copy()
    other.view(np.uint32)[0] ^= 1
    curves = [
        {"same": values, "bit": values, "kind": values, "mine": values},
        {"same": values.copy(), "bit": other, "kind": values.astype(float)},
    ]
    for at in ("evaluations", "logged"):
        one, another = (
            TrialRecord(
                "", "completed", "", **{"evaluations": NO_CURVES, "logged": NO_CURVES, at: held}
            )
            for held in (Curves((0, 1), item) for item in curves)
        )
        assert differing_curves(one, another) == ["bit", "kind", "mine"]
        assert differing_curves(one, one) == []


def test_checkpoints_are_compared_leaf_by_leaf():
    one = {"step_1": {"w": np.zeros(3), "layers": [np.ones(2), np.ones(2)]}}
    other = {
        "step_1": {"w": np.zeros(3), "layers": [np.ones(2), -np.ones(2)]},
        "step_2": np.ones(1),
    }
    assert differing_variables(one, one) == []
    assert differing_variables(one, other) == ["/step_1/layers/1", "/step_2"]


@pytest.fixture
def reruns(tmp_path):
    arms = ["a", "a", "a", "b", "b", "c"]
    objective = [0.1, 0.2, np.nan, 0.5, 0.8, 0.3]
    dataset = xr.Dataset({"arm": ("trial", arms), "objective": ("trial", objective)})
    dataset.to_netcdf(tmp_path / "reruns.nc")
    return tmp_path / "reruns.nc"


def test_trial_variance_is_that_of_the_metric_where_a_target_ranks_trials(tmp_path):
    dataset = xr.Dataset(
        {
            "arm": ("trial", ["a", "a"]),
            "objective": ("trial", [300.0, np.nan]),
            "best_value": ("trial", [0.1, 0.2]),
        }
    )
    dataset.to_netcdf(tmp_path / "reruns.nc")
    found = trial_variance(tmp_path / "reruns.nc", "a")
    assert found.standard_deviation == pytest.approx(statistics.stdev([0.1, 0.2]))


def test_trial_variance_is_that_of_the_arm(reruns):
    found = trial_variance(reruns, "b")
    assert (found.of, found.reruns) == ("b", 2)
    assert found.standard_deviation == pytest.approx(statistics.stdev([0.5, 0.8]))


def test_an_arm_without_reruns_is_held_against_the_spread_within_all_arms(reruns):
    found = trial_variance(reruns, "c")
    assert (found.of, found.reruns) == ("all arms", 5)
    within = (statistics.variance([0.1, 0.2]) + statistics.variance([0.5, 0.8])) / 2
    assert found.standard_deviation == pytest.approx(within**0.5)


def test_the_facts_that_differ_are_named_and_unrecorded_ones_are_not():
    recorded = {"backend": "cpu", "python": "3.11.7", "versions": {"jaxlib": "0.9", "numpy": "2"}}
    here = {"backend": "gpu", "python": "3.11.7", "driver": "13", "versions": {"jaxlib": "0.10"}}
    assert differences(recorded, here) == [
        "backend: cpu in the archive, gpu here",
        "jaxlib: 0.9 in the archive, 0.10 here",
        "numpy: 2 in the archive, nothing here",
    ]
