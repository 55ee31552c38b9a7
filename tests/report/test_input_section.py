"""A report says of trials that are fed from the host whether they waited for their input."""

from dataclasses import replace

import numpy as np
import pytest

from tests.report.example import make_example

COMMAND = "tuning-playbook profile optimizer_choice"


@pytest.fixture(scope="module")
def example():
    found = make_example()
    return replace(found, card=replace(found.card, profile_command=COMMAND))


def with_input(example, train, wait):
    count = example.resources.sizes["trial"]
    seconds = {
        "device_train": train,
        "input_wait": wait,
        "input_read": wait,
        "input_stack": 0.1,
        "input_transfer": 0.1,
    }
    return example.resources.assign(
        {f"{name}_seconds": ("trial", np.full(count, value)) for name, value in seconds.items()}
    )


def test_trials_that_wait_are_named_input_bound_at_the_top_and_in_full_below(example):
    page = example.render(resources=with_input(example, 1.0, 9.0))
    assert "<dt>input</dt><dd><strong>input-bound</strong>" in page
    assert "Input pipeline: input-bound" in page
    assert f"{COMMAND} shows where the time goes" in page
    sheets = page.count("<dd>input-bound: the device waits for 90% of the training time</dd>")
    assert sheets == example.study.sizes["trial"]


def test_trials_that_do_not_wait_are_mentioned_below_alone(example):
    page = example.render(resources=with_input(example, 19.0, 1.0))
    assert "<dt>input</dt><dd><strong>" not in page
    assert "Input pipeline: not input-bound" in page
    assert COMMAND not in page


def test_a_study_whose_data_is_on_the_device_has_no_such_section(example):
    assert "Input pipeline" not in example.render()
