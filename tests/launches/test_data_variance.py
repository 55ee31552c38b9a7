"""Data variance: reruns on other divisions of the data, which are no reruns on fresh seeds."""

import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_reruns, make_study
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.launches.data_variance import data_variance, improvements


def divided(objectives, splits):
    """A study with reruns, the last so many of each arm on divisions 1, 2, ... of the data."""
    study = make_study()
    reruns = make_reruns(study, objectives)
    numbers = [
        [0] * (len(values) - splits) + list(range(1, splits + 1)) for values in objectives.values()
    ]
    return study, reruns.assign(data_split=("trial", np.concatenate(numbers)))


def test_each_is_summarised_apart_from_the_reruns_on_fresh_seeds():
    values = {NESTEROV: [0.1, 0.2, 0.5, 0.6, np.nan], "baseline": [0.2, 0.3, 0.4, 0.8, 0.7]}
    study, reruns = divided(values, splits=3)
    nesterov, baseline = data_variance(study, reruns)
    assert (nesterov.arm, baseline.arm) == (NESTEROV, "baseline")
    assert nesterov.objectives == pytest.approx((0.5, 0.6, None))
    assert nesterov.mean == pytest.approx(0.55)
    assert nesterov.standard_deviation == pytest.approx(np.std([0.5, 0.6], ddof=1))
    assert improvements(nesterov, baseline, sign=-1) == pytest.approx([-0.1, 0.2])
    seeds = {row.arm: row for row in trial_variance(study, reruns)}
    assert seeds[NESTEROV].reruns == pytest.approx((0.1, 0.2))
    assert seeds["baseline"].reruns == pytest.approx((0.2, 0.3))
    assert seeds[ADAM].reruns == ()


def test_nothing_is_said_where_no_other_division_was_asked_for():
    study = make_study()
    assert data_variance(study, None) == ()
    assert data_variance(study, make_reruns(study, {NESTEROV: [0.1]})) == ()
