"""What an archived launch says of configurations follows from the datasets beside it."""

import json
from types import SimpleNamespace

import pytest

from tests.sources.several_seeds import several_seeds
from tuning_playbook.archive.check_decision import _check_report, check_decision
from tuning_playbook.dataset.collect import write_dataset
from tuning_playbook.launches.decision import decide
from tuning_playbook.report.html import render
from tuning_playbook.report.study_card import make_card

OBJECTIVES = {
    "old": [0.30, 0.31, 0.32, 0.33, 0.34],
    "new": [0.20, 0.21, 0.22, 0.23, 0.24],
    "other": [0.25, 0.26, 0.27, 0.28, 0.29],
}


@pytest.fixture
def results(tmp_path):
    """A study of configurations with several seeds, its decision and its report."""
    imported = several_seeds(tmp_path, OBJECTIVES, baseline="old-0")
    launch = json.loads(json.dumps(decide(imported.study, imported.reruns, ()).to_json()))
    page = render(
        make_card(imported.plan, results="results"),
        study=imported.study,
        reruns=imported.reruns,
        findings=(),
        launch=launch,
        resources=imported.study[["trial"]],
        plots={},
    )
    (tmp_path / "launch.json").write_text(json.dumps(launch))
    (tmp_path / "report.html").write_text(page)
    for name in ("study", "reruns"):
        write_dataset(tmp_path / f"{name}.nc", getattr(imported, name))
    return tmp_path


def changed(results, change):
    launch = json.loads((results / "launch.json").read_text())
    change(launch)
    (results / "launch.json").write_text(json.dumps(launch))
    return " ".join(check_decision(results))


def test_what_was_decided_by_configurations_is_as_it_should_be(results):
    assert list(check_decision(results)) == []


def test_a_configuration_of_another_mean_is_found(results):
    def better(launch):
        launch["configurations"]["rows"][1]["mean"] = 0.1

    assert "the configurations do not differ as the reruns" in changed(results, better)


def test_configurations_that_were_left_out_are_found(results):
    def left_out(launch):
        launch["configurations"] = None

    assert "the configurations do not differ as the reruns" in changed(results, left_out)


def test_an_archive_from_before_they_were_compared_is_none_the_worse(results):
    def before(launch):
        launch["answer"]["sentence"] = (
            "No hyperparameter is scientific, so this study compares nothing: its best "
            "configuration reaches 0.220 on average over 5 reruns."
        )
        del launch["configurations"]

    assert changed(results, before) == ""


def test_a_value_with_a_line_break_is_told_as_a_page_tells_it(results):
    row = "<table><tr><td>style=one two candidate</td><td>1</td><td>2</td><td>3</td><td>4</td></tr>"
    arm = SimpleNamespace(
        arm="style=one\ntwo", search_objective="1", mean="2", standard_deviation="3", reruns=["4"]
    )
    launch = {"decision": "reject", "reasons": [], "caveats": [], "candidate": None}
    page = f'<div class="verdict reject"></div>{row}</table>'
    assert list(_check_report(launch, [arm], page)) == []
