"""The table of every configuration that another tool trained with several seeds."""

import json

import pytest

from tests.sources.several_seeds import several_seeds
from tuning_playbook.launches.decision import decide
from tuning_playbook.report.configuration_table import make_configurations

from .pages import read

OBJECTIVES = {
    "old": [0.30, 0.31, 0.32, 0.33, 0.34],
    "new": [0.20, 0.21, 0.22, 0.23, None],
    "other": [0.25, 0.26, 0.27, 0.28, 0.29],
}


@pytest.fixture(scope="module")
def launch(tmp_path_factory):
    imported = several_seeds(tmp_path_factory.mktemp("study"), OBJECTIVES, baseline="old-0")
    return json.loads(json.dumps(decide(imported.study, imported.reruns, ()).to_json()))


@pytest.fixture
def evidence(example, launch):
    def section(configurations):
        page = example.render(launch=example.launch | {"configurations": configurations})
        return read(page).by_id("evidence")

    return section


def test_each_line_is_a_configuration_with_its_seeds(launch):
    table = make_configurations(launch)
    assert [(line.name, line.standing) for line in table.lines] == [
        ("new-0", ""),
        ("other-0", "candidate"),
        ("old-0", "baseline"),
    ]
    first, second, last = table.lines
    assert first.objectives == ("0.2", "0.21", "0.22", "0.23", "–")
    assert (first.mean, second.mean) == ("0.215", "0.270")
    assert (second.settings, second.standard_deviation) == ("learning_rate 0.3", "0.016")
    assert (last.trial, last.settings) == ("", "learning_rate 0.1")
    assert [(pair.arm, pair.other, pair.shown) for pair in table.pairs] == [
        ("other-0", "old-0", True)
    ]


def test_the_report_shows_it_with_the_evidence(evidence, launch):
    section = evidence(launch["configurations"])
    (heading,) = [item.text for item in section.all("h3") if "Every configuration" in item.text]
    assert heading == "Every configuration: differs"
    assert launch["configurations"]["sentence"] in section.text
    assert "All its seeds count; their means chose the candidate." in section.text
    once = launch["configurations"] | {"chosen_among": 1}
    assert "the first seed of each chose among them" in evidence(once).text


def test_a_study_of_arms_alone_has_no_such_table(example, launch, page):
    assert make_configurations(example.launch) is None
    assert make_configurations(launch | {"configurations": None}) is None
    assert "Every configuration" not in page


def test_names_stay_text(evidence, launch):
    hostile = "\"><script>alert('1')</script>"
    rows = launch["configurations"]["rows"]
    named = launch["configurations"] | {"rows": [row | {"name": hostile} for row in rows]}
    assert hostile in evidence(named).text
    assert not evidence(named).all("script")
