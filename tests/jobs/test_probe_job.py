"""Probes of real workloads: what fits, what does not and why, and what a step waits for."""

import json

import pytest

from tests.jobs.probed import TOO_LARGE
from tests.procedures.probes import probe, refused
from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs import probe_job
from tuning_playbook.jobs.environment import Resources
from tuning_playbook.jobs.probe_job import probe_after
from tuning_playbook.planning.probes import probe_plan

SPEC = {
    "fixed.width": 8,
    "nuisance": REMOVED,
    "search": REMOVED,
    "reruns": REMOVED,
    "resources": REMOVED,
    "procedure": {"name": "batch_sizes", "from": 8, "to": 128, "repeats": 5},
}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """A job sets up its process; that of the tests is set up already."""
    monkeypatch.setattr(probe_job, "prepare", lambda resources, cache: None)
    monkeypatch.setattr("tuning_playbook.jobs.step_times.LAP_SECONDS", 0.05)


def plan(tmp_path, workload="digits_mlp", **settings):
    procedure = SPEC["procedure"] | settings
    name = workload if workload == "digits_mlp" else f"tests.jobs.probed:{workload}"
    document = changed(SPEC | {"workload": name, "procedure": procedure})
    return probe_plan(write_spec(tmp_path / "sizes.yaml", document))


def measure(plan, size, before=()):
    return probe_after(before, plan, size, Resources())


def test_a_batch_size_that_fits_is_measured(tmp_path):
    found = measure(plan(tmp_path), 64)
    assert found.fits and found.batch_size == 64
    assert found.step.repeats == found.compute.repeats == 5
    assert found.examples_per_second == pytest.approx(64 / found.seconds_per_step)
    assert min(found.compile_seconds, found.evaluation_seconds) > 0
    assert found.memory.estimate > 1797 * 64  # the digits alone
    assert found.machine["device"] == "cpu" and found.machine["devices"] == 1
    assert found.machine["versions"]["jax"]


def test_an_input_that_is_slow_to_read_is_the_bottleneck(tmp_path):
    found = measure(plan(tmp_path, "SlowReader"), 64)
    assert found.bottleneck == "read"
    assert found.wait_seconds > 0.5 * found.seconds_per_step


def test_what_is_estimated_to_take_more_than_the_spec_allows_does_not_fit(tmp_path):
    """The weights and their state take 86 MB, and a step takes 104."""
    wide = changed(SPEC | {"fixed.width": 2048})
    wide["procedure"] = wide["procedure"] | {"memory_mb": 95}
    found = measure(probe_plan(write_spec(tmp_path / "wide.yaml", wide)), 128)
    assert not found.fits
    assert found.reason.startswith("out of memory: the compiler estimates that it takes")
    assert "procedure.memory_mb is 95 MB" in found.reason
    assert found.memory.estimate > found.memory.limit == 95 * 10**6
    assert found.step is None


def test_what_the_allocator_refuses_does_not_fit(tmp_path):
    found = measure(plan(tmp_path, "Greedy"), TOO_LARGE)
    assert not found.fits
    assert "out of memory: RESOURCE_EXHAUSTED" in found.reason


def test_what_the_workload_refuses_does_not_fit_and_says_why(tmp_path):
    found = measure(plan(tmp_path, "Refusing"), 8)
    assert not found.fits
    assert found.reason == "batches are too large for this model"


def test_an_error_of_the_users_code_is_no_lack_of_memory(tmp_path):
    with pytest.raises(WorkloadError, match=r"its code raised an error .* KeyError.*pixels"):
        measure(plan(tmp_path, "Broken"), 8)


@pytest.mark.parametrize(
    ("smaller", "reason"),
    [
        (refused(32), "not tried, as 32 does not fit"),
        (refused(32, "not tried, as 16 does not fit", {}), "not tried, as 16 does not fit"),
    ],
)
def test_nothing_larger_than_what_does_not_fit_is_tried(tmp_path, smaller, reason):
    before = tmp_path / "32.json"
    before.write_text(json.dumps(smaller.to_json()))
    found = measure(plan(tmp_path, "Broken"), 64, [before])
    assert (found.fits, found.reason, found.machine) == (False, reason, {})


def test_after_one_that_fits_the_next_is_measured(tmp_path):
    before = tmp_path / "4.json"
    before.write_text(json.dumps(probe(4, 0.1).to_json()))
    with pytest.raises(WorkloadError):
        measure(plan(tmp_path, "Broken"), 8, [before])
