"""What is said of a command's trial that was trained again."""

import math

import numpy as np
import pytest

from tuning_playbook.archive.compare import TrialVariance
from tuning_playbook.archive.reproduce_command import expected_difference


def test_two_trials_of_one_configuration_are_that_close_19_times_in_20():
    draws = np.random.default_rng(0)
    reruns, studies = 5, 4000
    values = draws.normal(size=(studies, reruns + 2))
    found = [
        expected_difference(TrialVariance("all", reruns, deviation, reruns - 1))
        for deviation in values[:, :reruns].std(axis=1, ddof=1)
    ]
    close = np.abs(values[:, -1] - values[:, -2]) <= found
    assert np.mean(close) == pytest.approx(0.95, abs=2 * math.sqrt(0.95 * 0.05 / studies))


def test_nothing_is_expected_without_two_reruns():
    assert math.isnan(expected_difference(TrialVariance("all", 1, math.nan, 0)))
