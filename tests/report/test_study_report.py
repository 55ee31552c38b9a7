"""The report of a study and its row of the tracking sheet follow from its files."""

import pytest

from tests.specs import plan_of
from tuning_playbook.files import write_json
from tuning_playbook.report.html import render
from tuning_playbook.report.study_card import make_card
from tuning_playbook.report.study_report import report_study
from tuning_playbook.report.tracking import summary_row

from .example import make_example


@pytest.fixture
def example():
    return make_example()


@pytest.fixture
def files(example, tmp_path):
    for name in ("study", "reruns", "resources"):
        getattr(example, name).to_netcdf(tmp_path / f"{name}.nc")
    write_json(tmp_path / "launch.json", example.launch)
    write_json(tmp_path / "diagnostics.json", {"findings": example.findings})
    write_json(tmp_path / "test.json", {"evaluate": "best", "reading": None, "earlier": []})
    for stem, text in example.plots.items():
        (tmp_path / f"{stem}.svg").write_text(text)
    one = {name: f"{tmp_path}/{name}.nc" for name in ("study", "reruns", "resources")}
    one |= {name: f"{tmp_path}/{name}.json" for name in ("launch", "diagnostics")}
    plots = [f"{tmp_path}/{stem}.svg" for stem in example.plots]
    return one | {"plots": plots, "replicates": [], "next_study": [], "test": [], "final": []}


def test_it_is_the_page_of_what_the_files_hold(example, files, tmp_path):
    plan = plan_of(tmp_path)
    card = make_card(plan, results="results")
    html, row = report_study(plan, "results", **files)
    assert html == render(
        card,
        study=example.study,
        reruns=example.reruns,
        findings=example.findings,
        launch=example.launch,
        resources=example.resources,
        plots=example.plots,
    )
    assert row == summary_row(card, example.study, example.launch)


def test_what_only_some_studies_have_is_in_it_where_it_is_given(files, tmp_path):
    (tmp_path / "next_study.yaml").write_text("goal: What comes next?\n")
    given = {"next_study": [f"{tmp_path}/next_study.yaml"], "test": [f"{tmp_path}/test.json"]}
    plan = plan_of(tmp_path)
    html, _ = report_study(plan, "results", **(files | given))
    without, _ = report_study(plan, "results", **files)
    assert "What comes next?" in html
    assert "What comes next?" not in without
    assert "Test set" in html
