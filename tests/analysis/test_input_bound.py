"""When a trial counts as input-bound, and what a study says of all that are fed from the host."""

import math

import numpy as np
import pytest
import xarray as xr

from tuning_playbook.analysis.input_bound import is_input_bound, step_ratio, study_input
from tuning_playbook.report.input_section import make_input

NAN = math.nan


def resources_of(train, wait, read=0.0, stack=0.0, transfer=0.0):
    count = len(train)
    columns = {"device_train": train, "input_wait": wait}
    columns |= {
        f"input_{part}": np.full(count, seconds)
        for part, seconds in {"read": read, "stack": stack, "transfer": transfer}.items()
    }
    return xr.Dataset(
        {f"{name}_seconds": ("trial", np.array(values)) for name, values in columns.items()},
        coords={"trial": [f"trial{n}" for n in range(count)]},
    )


@pytest.mark.parametrize(
    ("wait_share", "bound"), [(0.0, False), (0.05, False), (0.19, False), (0.21, True), (0.9, True)]
)
def test_a_quarter_more_than_a_step_without_waiting(wait_share, bound):
    assert is_input_bound(step_ratio(wait_share)) == bound


def test_a_step_of_nothing_but_waiting_takes_infinitely_long():
    assert step_ratio(1.0) == math.inf


def test_each_trial_is_judged_by_its_own_times():
    found = study_input(resources_of([10.0, 1.0, 19.0], [0.0, 9.0, 1.0]))
    assert [item.trial for item in found.bound] == ["trial1"]
    assert [item.wait_share for item in found.trials] == pytest.approx([0.0, 0.9, 0.05])
    assert found.median_wait == pytest.approx(0.05)


def test_trials_whose_data_is_on_the_device_are_left_out():
    mixed = study_input(resources_of([NAN, 1.0], [0.0, 1.0]))
    assert [item.trial for item in mixed.trials] == ["trial1"]
    assert study_input(resources_of([NAN, NAN], [0.0, 0.0])) is None
    assert make_input(resources_of([NAN], [0.0])) is None


def test_results_from_before_the_times_were_kept_say_nothing():
    assert study_input(xr.Dataset(coords={"trial": ["a"]})) is None


def test_the_shares_of_what_the_host_did():
    found = study_input(resources_of([1.0, 1.0], [1.0, NAN], read=3.0, stack=1.0))
    assert found.host_shares == {"read": 0.75, "stack": 0.25, "transfer": 0.0}
    assert study_input(resources_of([1.0], [0.0])).host_shares["read"] == 0.0


def test_the_words_of_the_report():
    every = make_input(resources_of([1.0, 1.0], [9.0, 9.0], read=9.0), "tuning-playbook profile x")
    assert every.verdict == "input-bound"
    assert every.sentence.startswith("2 of 2 trials fed from the host are input-bound")
    assert "waits for 90% of the training time" in every.sentence
    assert "tuning-playbook profile x shows where the time goes" in every.advice
    assert every.trials["trial1"].startswith("input-bound: the device waits for 90%")
    some = make_input(resources_of([1.0, 1.0], [9.0, 0.0]))
    assert (some.verdict, bool(some.advice)) == ("input-bound in part", True)
    none = make_input(resources_of([19.0], [1.0]))
    assert (none.verdict, none.advice) == ("not input-bound", "")
