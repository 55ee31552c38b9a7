"""A probe: what follows from its measurements, and its file."""

import json

import pytest

from tests.procedures.probes import probe, refused
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.probe import probe_from_json, read_probes


def test_the_file_says_what_a_procedure_that_reads_it_needs():
    content = probe(64, 0.5).to_json()
    assert content["batch_size"] == 64
    assert content["seconds_per_step"] == 0.5
    assert content["examples_per_second"] == 128
    assert content["machine"]["device"] == "cpu"


@pytest.mark.parametrize("given", [probe(64, 0.5, input_=(0.1, 0.2, 0.3)), refused(64)])
def test_it_is_read_as_it_was_written(given):
    assert probe_from_json(json.loads(json.dumps(given.to_json()))) == given


def test_probes_are_read_in_the_order_of_their_sizes(tmp_path):
    for size in (128, 16, 1024):
        (tmp_path / f"{size}.json").write_text(json.dumps(probe(size, 1.0).to_json()))
    found = read_probes(sorted(tmp_path.iterdir()))
    assert [item.batch_size for item in found] == [16, 128, 1024]


@pytest.mark.parametrize("text", ["", "{}", '{"batch_size": 8}', "[]"])
def test_a_damaged_file_is_named(tmp_path, text):
    file = tmp_path / "8.json"
    file.write_text(text)
    with pytest.raises(ArtefactError, match=r"8\.json: cannot be read as a probe .* delete it"):
        read_probes([file])


@pytest.mark.parametrize(
    ("share", "bottleneck"), [(0.9, "read"), (0.3, "read"), (0.15, "compute"), (0.05, "compute")]
)
def test_a_step_is_input_bound_above_a_quarter_more_than_its_computation(share, bottleneck):
    found = probe(8, 1.0, compute=1 - share, input_=(share, 0.0, 0.0))
    assert found.wait_seconds == pytest.approx(share)
    assert found.bottleneck == bottleneck


def test_a_step_never_waits_longer_than_its_input_takes():
    """The machine became slower between the two timings; the input takes next to nothing."""
    found = probe(8, 2.0, compute=1.0, input_=(0.01, 0.0, 0.01))
    assert found.wait_seconds == pytest.approx(0.02)
    assert found.bottleneck == "compute"


def test_the_parts_of_the_waiting_add_up_to_it():
    found = probe(8, 1.0, compute=0.7, input_=(0.6, 0.3, 0.1))
    parts = vars(found.waiting)
    assert parts == pytest.approx({"read": 0.18, "stack": 0.09, "transfer": 0.03})


def test_what_does_not_fit_has_no_times():
    found = refused(8)
    assert (found.seconds_per_step, found.examples_per_second, found.wait_seconds) == (None,) * 3
    assert found.bottleneck == ""
