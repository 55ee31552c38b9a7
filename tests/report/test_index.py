"""The page of all studies."""

import pytest

from tuning_playbook.report.index import render_index
from tuning_playbook.report.tracking import summary_row

from .pages import read, structure


@pytest.fixture(scope="module")
def row(example):
    return summary_row(example.card, example.study, example.launch, example.resources)


def rounds_of(page):
    return read(page).all("li", "round")


def test_tells_of_every_study_its_goal_its_answer_its_decision_and_where_its_report_is(row):
    rows = [
        row,
        row | {"study": "depth", "decision": "adopt", "answer": "Deeper is better."},
        row | {"study": "width", "decision": "reject", "finished": "2026-01-06T10:00:00Z"},
    ]
    found = rounds_of(render_index(rows))
    assert [item.one("h3").one("a").attributes["href"] for item in found] == [
        "./depth/report.html",
        "./optimizer_choice/report.html",
        "./width/report.html",
    ]
    assert [item.one("span", "badge").text for item in found] == [
        "✓ adopt",
        "◐ provisional",
        "✕ reject",
    ]
    assert [item.one("p", "answered").text for item in found] == [
        "Deeper is better.",
        row["answer"],
        row["answer"],
    ]
    assert [item.one("time").text for item in found] == ["2026-01-05", "2026-01-05", "2026-01-06"]
    first = found[0].text
    assert row["goal"] in first
    assert "13 of 16 trials feasible" in first
    assert f"{row['candidate_rerun_mean']:.4g} ± {row['candidate_rerun_sd']:.2g}" in first


def test_each_workload_has_a_history_of_its_own(row):
    page = read(render_index([row, row | {"study": "b", "workload": "mnist5k_cnn"}]))
    histories = page.all("section", "history")
    assert [item.one("h2").text for item in histories] == ["digits_mlp", "mnist5k_cnn"]
    assert ["Round 1" in item.text for item in histories] == [True, True]


def test_a_study_names_those_that_it_takes_values_from(row):
    (_, later) = rounds_of(
        render_index([row, row | {"study": "z", "builds_on": ["optimizer_choice", "gone"]}])
    )
    assert "Takes values from optimizer_choice , gone." in later.text
    assert [link.attributes["href"] for link in later.one("p", "measured").all("a")] == [
        "./optimizer_choice/report.html"
    ]


def test_the_filters_name_what_there_is_and_wait_for_the_script(row):
    page = read(render_index([row, row | {"study": "b", "decision": "adopt"}]))
    assert "hidden" in page.by_id("rounds-filter").attributes
    options = [[item.text for item in choice.all("option")] for choice in page.all("select")]
    assert options == [["all", "digits_mlp"], ["all", "adopt", "provisional"]]
    assert not [item for item in page.all("li") if "hidden" in item.attributes]


def test_a_summary_of_an_earlier_version_is_shown_as_far_as_it_goes(row):
    since = ("answer", "finished", "builds_on")
    page = render_index([{name: value for name, value in row.items() if name not in since}])
    (found,) = rounds_of(page)
    assert "make it again" in found.one("p", "answered").text
    assert not found.all("time")


def test_is_the_same_for_the_same_rows(row):
    assert render_index([row]) == render_index([dict(row)])


def test_texts_and_names_stay_text(row):
    hostile = "\"><script>alert('1')</script>"
    texts = ("study", "goal", "answer", "notes", "workload", "candidate_arm", "finished")
    page = render_index([row | dict.fromkeys(texts, hostile)])
    assert structure(page) == structure(render_index([row]))
    link = rounds_of(page)[0].one("h3").one("a")
    assert link.text == hostile
    assert link.attributes["href"] == (
        "./%22%3E%3Cscript%3Ealert%28%271%27%29%3C%2Fscript%3E/report.html"
    )


@pytest.mark.parametrize("name", ["javascript:alert(1)", "//elsewhere.example", "../../up"])
def test_a_name_leads_nowhere_else(row, name):
    rows = [row | {"study": name}, row | {"study": "later", "builds_on": [name]}]
    links = [link for item in rounds_of(render_index(rows)) for link in item.all("a")]
    assert len(links) == 3
    for link in links:
        assert link.attributes["href"].startswith("./")
        assert link.attributes["href"].count("/") == 2


def test_without_studies():
    page = render_index([])
    assert "No study has been reported yet." in read(page).one("main").text
    assert "0 studies" in read(page).one("title").text
    assert not read(page).all("select")


def test_missing_reruns_are_said(row):
    nothing = dict.fromkeys(name for name in row if "rerun" in name)
    assert "No reruns of the candidate" in rounds_of(render_index([row | nothing]))[0].text
    without = {"baseline_rerun_mean": None, "baseline_rerun_sd": None}
    assert ", no baseline." in rounds_of(render_index([row | without]))[0].text


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
    first, second = (item.text for item in page.one("tbody").all("tr"))
    assert "2026-01-31" in first
    assert "adopted by force" in first
    assert "0.02123 ± 0.0012" in first
    assert "2026-02-01" in second
    assert "force" not in second
    assert "launches-heading" not in render_index([row])


def test_a_procedure_is_listed_with_its_conclusion_and_its_report(row):
    said = {
        "workload": "digits_mlp",
        "verdict": "stable",
        "sentence": "It is stable up to <0.5>.",
        "rounds": [{}, {}],
    }
    rows = [row | {"study": "stable/rounds/1"}, row | {"study": "z", "builds_on": ["stable"]}]
    text = render_index(rows, (), {"stable": said})
    (table,) = read(text).all("table")
    assert table.one("a").attributes["href"] == "./stable/report.html"
    cells = [cell.text for cell in table.all("td")]
    assert cells == ["digits_mlp", "2", "stable", "It is stable up to <0.5>."]
    first, later = rounds_of(text)
    assert first.one("h3").one("a").attributes["href"] == "./stable/rounds/1/report.html"
    assert later.one("p", "measured").one("a").attributes["href"] == "./stable/report.html"


def test_without_procedures_there_is_no_list_of_them(row):
    assert "Procedures" not in render_index([row])
