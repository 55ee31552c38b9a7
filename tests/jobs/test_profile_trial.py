"""A profile tells a trial that waits for its batches from one that does not."""

import gzip
import itertools
import json

import numpy as np
import pytest

from tests.engine.quadratic import Quadratic, make_trial, request_for
from tests.engine.slow_input import STEP_SECONDS, SlowInput
from tests.engine.test_stream import trial_of
from tuning_playbook.analysis.input_bound import is_input_bound
from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs import profile_trial as profiles
from tuning_playbook.report.profile_lines import profile_json, profile_lines


@pytest.fixture
def profiled(tmp_path, monkeypatch):
    def profiled(workload, trial, seconds=1.2):
        monkeypatch.setattr(profiles, "load_workload", lambda *place: workload)
        return profiles.profile_trial(request_for([trial]), tmp_path, seconds=seconds)

    return profiled


def letters(times):
    workload = SlowInput()
    workload.times = times
    return workload


def test_batches_that_take_nine_times_as_long_as_a_step(profiled):
    found = profiled(letters(9.0), trial_of(max_train_steps=20, eval_every=5))
    assert found.resident_step >= STEP_SECONDS
    assert is_input_bound(found.ratio) and found.ratio > 4
    assert found.input_seconds.read > found.input_seconds.train
    assert "input-bound: real batches take" in profile_lines(found)[3]
    assert profile_json(found)["input_bound"]


def test_batches_that_take_a_nineteenth_of_a_step(profiled):
    found = profiled(letters(1 / 19), trial_of(max_train_steps=60, eval_every=5), seconds=2.4)
    assert not is_input_bound(found.ratio)
    assert "  not input-bound: " in profile_lines(found)[3]


def test_data_on_the_device_and_a_trace_of_its_steps(profiled, tmp_path):
    found = profiled(Quadratic(), make_trial(learning_rate=0.01), seconds=0.2)
    assert found.input_seconds is None
    assert 0 < found.steps <= 40
    assert "the data is on the device" in "\n".join(profile_lines(found))
    assert found.trace == tmp_path / "perfetto_trace.json.gz"
    assert [path.name for path in tmp_path.iterdir()] == [found.trace.name]
    with gzip.open(found.trace) as file:
        names = {event.get("name") for event in json.load(file)["traceEvents"]}
    assert {"input", "hand over the steps"} <= names


def test_several_lanes_are_profiled_as_they_train(profiled):
    trial = make_trial(learning_rate=0.01, lanes=3)
    found = profiled(Quadratic(), trial, seconds=0.1)
    assert found.lanes == 3
    assert ", 3 lanes at once:" in profile_lines(found)[0]


def test_a_batch_that_raises_is_the_workloads_error(profiled):
    class Broken(SlowInput):
        def train_batches(self, seed, step, batch_size):
            if step > 3:
                raise RuntimeError("a shard is missing")
            return {"text": np.zeros((batch_size, 9), np.uint8)}

    with pytest.raises(WorkloadError, match=r"cannot be profiled: .*a shard is missing"):
        profiled(Broken(), trial_of())


def test_a_hiccup_of_the_machine_is_in_one_part_alone():
    pieces = [0.02] * 7 + [5.0] + [0.02] * 12  # seconds of pieces of two steps
    means = profiles.part_means([0.0, *itertools.accumulate(pieces)], 2)
    assert len(means) == 5
    assert sorted(means)[:4] == pytest.approx([0.01] * 4)


def test_batches_that_come_in_bursts_of_all_readers_are_not_taken_apart():
    ends = [0.0, *itertools.accumulate([0.4, 0.0, 0.0, 0.0] * 2)]  # pieces of one step
    assert profiles.part_means(ends, 1) == pytest.approx([0.1, 0.1])
    assert profiles.part_means(ends[:2], 1) == pytest.approx([0.4])
