"""A drop of the learning rate with a step of its own has to be one of the drops."""

import pytest

from tests.specs import plan_of
from tuning_playbook.errors import SpecError

PIECEWISE = {"fixed.schedule": "piecewise", "fixed.drop_factor": 0.5}


def test_a_drop_that_no_trial_has_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"third_drop is 30, and the learning rate drops 2 times"):
        plan_of(tmp_path, {**PIECEWISE, "fixed.third_drop": 30})


def test_with_drops_enough_it_is_allowed(tmp_path):
    plan_of(tmp_path, {**PIECEWISE, "fixed.third_drop": 30, "fixed.drops": 3})


def test_where_the_number_of_drops_is_searched_the_largest_counts(tmp_path):
    drops = {"nuisance.drops": {"int_uniform": [1, 3]}}
    plan_of(tmp_path, {**PIECEWISE, "fixed.third_drop": 30, **drops})
    with pytest.raises(SpecError, match="fourth_drop is 30"):
        plan_of(tmp_path, {**PIECEWISE, "fixed.fourth_drop": 30, **drops})
