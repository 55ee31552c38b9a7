"""The report of `batch_sizes`, and what the command line says of its probes."""

import json

import pytest

from tests.plots.test_batch_size_plots import DRAWN, SIZES, dataset
from tests.procedures.probes import probe, refused
from tests.procedures.test_batch_sizes import settings, spec
from tests.specs import write_spec
from tuning_playbook.planning.probes import probe_plan
from tuning_playbook.procedures import batch_sizes
from tuning_playbook.procedures.conclude import conclusion_json
from tuning_playbook.procedures.procedure_history import History
from tuning_playbook.report.probe_lines import probe_cost_lines, probe_status_lines
from tuning_playbook.report.probe_table import machine_facts, make_probe_rows
from tuning_playbook.report.procedure_report import render_procedure

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>'


def rows(probes):
    return {row.batch_size: row for row in make_probe_rows(dataset(probes))}


def test_a_row_says_throughput_gain_step_and_memory():
    row = rows(DRAWN["found"])["512"]
    assert (row.throughput, row.gain, row.pays) == ("254,000", "1.75", "no")
    assert row.step == "2.01 (2 to 2.02)"
    assert (row.limited_by, row.memory, row.reason) == ("compute", "500.0 KiB", "")


def test_the_smallest_size_is_no_doubling():
    row = rows(DRAWN["found"])["8"]
    assert (row.gain, row.pays) == ("–", "–")


def test_a_row_says_for_what_part_of_its_input_a_step_waits():
    row = rows([probe(8, 1.0, compute=0.5, input_=(0.4, 0.1, 0.0))])["8"]
    assert row.wait == "50 %"
    assert row.parts == ("40 %", "10 %", "0 %")
    assert row.limited_by == "read"


def test_a_row_of_what_does_not_fit_says_why():
    found = rows([probe(8, 0.1), refused(16)])["16"]
    assert found.reason == "out of memory: it takes 2 MB, and the limit is 1 MB"


def test_machines_are_listed_once():
    probes = [probe(8, 0.1).to_json(), probe(16, 0.1).to_json(), refused(32, machine={}).to_json()]
    assert ("device", "cpu") in machine_facts(probes)
    assert ("software", "jax 0, jaxlib 0") in machine_facts(probes)
    assert machine_facts([refused(8, machine={}).to_json()]) == []


@pytest.mark.parametrize("probes", DRAWN)
def test_the_report_has_a_table_of_probes_and_none_of_trials(probes):
    history = History(spec(), settings(), probes=tuple(DRAWN[probes]))
    conclusion = batch_sizes.next(history)
    html = render_procedure(
        "sizes",
        conclusion_json("sizes", history, conclusion),
        dataset(DRAWN[probes]),
        plots=dict.fromkeys(batch_sizes.PLOTS, SVG),
        next_study="goal: x\n",
    )
    assert conclusion.sentence in html
    assert 'id="probes"' in html and "Step time" in html
    assert 'id="trials"' not in html and 'id="rounds"' not in html


def test_what_may_be_probed_is_told_beforehand(tmp_path):
    document = spec(procedure={"name": "batch_sizes", "to": 32})
    path = write_spec(tmp_path / "sizes.yaml", document)
    first, second = probe_cost_lines(path, probe_plan(path))
    assert first == f"{path}: at most 3 probes and no trials"
    assert "at batch sizes 8, 16, 32, until one does not fit" in second


def test_the_status_counts_the_probes_that_are_up_to_date(tmp_path):
    document = spec(procedure={"name": "batch_sizes", "to": 32})
    path = write_spec(tmp_path / "sizes.yaml", document)
    probes, folder = probe_plan(path), tmp_path / "results/sizes"
    assert probe_status_lines(path, probes, folder) == [f"{path}: 0 of 3 probes are there"]
    for name in ("current", "probes"):
        (folder / name).mkdir(parents=True)
    (folder / f"current/probed-{probes.key}").touch()
    for found in (probe(8, 0.001), refused(16)):
        file = folder / f"probes/{found.batch_size}.json"
        file.write_text(json.dumps(found.to_json()))
    first, *others = probe_status_lines(path, probes, folder)
    assert first == f"{path}: 2 of 3 probes are there"
    assert others == [
        "  batch size 8: 1 ms a step, 8,000 examples a second",
        "  batch size 16: does not fit: out of memory: it takes 2 MB, and the limit is 1 MB",
    ]


def test_every_size_has_a_row():
    assert len(rows(DRAWN["found"])) == len(SIZES) + 2
