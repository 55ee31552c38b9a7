"""The page of all studies."""

import pytest

from tuning_playbook.report.index import render_index
from tuning_playbook.report.tracking import summary_row

from .pages import read, structure


@pytest.fixture(scope="module")
def row(example):
    return summary_row(example.card, example.study, example.launch)


def test_lists_every_study_with_its_decision_and_link(row):
    rows = [
        row,
        row | {"study": "depth", "decision": "adopt"},
        row | {"study": "width", "decision": "reject"},
    ]
    body = read(render_index(rows)).one("tbody")
    assert [link.attributes["href"] for link in body.all("a")] == [
        "./optimizer_choice/report.html",
        "./depth/report.html",
        "./width/report.html",
    ]
    assert [badge.text for badge in body.all("span", "badge")] == [
        "◐ provisional",
        "✓ adopt",
        "✕ reject",
    ]
    first = body.all("tr")[0].text
    assert row["goal"] in first
    assert "13 of 16" in first
    assert f"{row['candidate_rerun_mean']:.4g} ± {row['candidate_rerun_sd']:.2g}" in first


def test_is_the_same_for_the_same_rows(row):
    assert render_index([row]) == render_index([dict(row)])


def test_texts_and_names_stay_text(row):
    hostile = "\"><script>alert('1')</script>"
    page = render_index([row | dict.fromkeys(("study", "goal", "notes", "workload"), hostile)])
    assert structure(page) == structure(render_index([row]))
    (link,) = read(page).one("tbody").all("a")
    assert link.text == hostile
    assert link.attributes["href"] == (
        "./%22%3E%3Cscript%3Ealert%28%271%27%29%3C%2Fscript%3E/report.html"
    )


@pytest.mark.parametrize("name", ["javascript:alert(1)", "//elsewhere.example", "../../up"])
def test_a_name_leads_nowhere_else(row, name):
    (link,) = read(render_index([row | {"study": name}])).one("tbody").all("a")
    assert link.attributes["href"].startswith("./")
    assert link.attributes["href"].count("/") == 2


def test_without_studies():
    page = render_index([])
    assert "No study has been reported yet." in read(page).one("main").text
    assert "0 studies" in read(page).one("h2").text


def test_missing_reruns_are_dashes(row):
    nothing = dict.fromkeys(name for name in row if "rerun" in name)
    cells = read(render_index([row | nothing])).one("tbody").all("td")
    assert [cell.text for cell in cells[-2:]] == ["–", "–"]


def test_lists_the_launches_in_order(row):
    launch = {
        "date": "2026-01-31",
        "study": "optimizer_choice",
        "workload": "digits_mlp",
        "commit": "0123456789abcdef",
        "decision": "provisional",
        "forced": "yes",
        "trial": "abc",
        "objective_metric": "validation/error_rate",
        "objective_mode": "min",
        "before_mean": "",
        "before_sd": "",
        "after_mean": "0.0212345",
        "after_sd": "0.00123",
    }
    page = read(render_index([row], [launch, launch | {"date": "2026-02-01", "forced": ""}]))
    first, second = (item.text for item in page.all("tbody")[1].all("tr"))
    assert "2026-01-31" in first
    assert "adopted by force" in first
    assert "0.02123 ± 0.0012" in first
    assert "2026-02-01" in second
    assert "force" not in second
    assert "Launches" not in render_index([row])
