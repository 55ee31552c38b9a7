"""The last lines of a run."""

import json

import pytest

from tuning_playbook.report.last_words import (
    MOST_STUDIES,
    conclusion_words,
    last_words,
    study_words,
)

LAUNCH = {
    "decision": "adopt",
    "reasons": ["The candidate is better.", "More."],
    "answer": {"sentence": "Adam is better than SGD by 0.02."},
    "candidate": {"trial": "0123456789", "arm": "optimizer=adam"},
}
SUMMARY = {
    "objective_metric": "validation/error_rate",
    "best_search_objective": 0.0251,
    "trials_feasible": 1500,
    "trials_run": 1600,
}
FINDINGS = [
    {"check": "boundary", "answer": "ok"},
    {"check": "collapse", "answer": "warning"},
    {"check": "infeasible", "answer": "problem"},
    {"check": "step_variance", "answer": "warning"},
]


@pytest.fixture
def write(tmp_path):
    def write(name="small", launch=LAUNCH, summary=SUMMARY, findings=FINDINGS):
        folder = tmp_path / name
        folder.mkdir()
        named = summary | {"study": name}
        files = {"launch": launch, "summary": named, "diagnostics": {"findings": findings}}
        for file, content in files.items():
            (folder / f"{file}.json").write_text(json.dumps(content))
        return folder

    return write


def test_they_are_the_answer_the_decision_the_checks_and_the_report(write):
    folder = write()
    assert study_words(folder) == [
        "small: Adam is better than SGD by 0.02.",
        "  decision: adopt: The candidate is better.",
        "  best of the search: validation/error_rate 0.0251, 1,500 of 1,600 trials are feasible",
        "  candidate: trial 0123456789 (optimizer=adam)",
        "  checks, problem: infeasible",
        "  checks, warning: collapse, step_variance",
        f"  report: {folder / 'report.html'}",
    ]


def test_a_round_of_a_procedure_has_its_whole_name(write, tmp_path):
    (tmp_path / "stable/rounds").mkdir(parents=True)
    told = study_words(write("stable/rounds/2"))
    assert told[0] == "stable/rounds/2: Adam is better than SGD by 0.02."


def test_what_a_study_lacks_is_left_out(write):
    folder = write(
        launch=LAUNCH | {"candidate": None},
        summary=SUMMARY | {"best_search_objective": None, "trials_feasible": 0},
        findings=[],
    )
    assert study_words(folder)[2:] == [
        "  best of the search: no feasible trial",
        f"  report: {folder / 'report.html'}",
    ]


@pytest.mark.parametrize("damage", ["", "[]", "{}", None])
def test_a_damaged_file_does_not_make_a_run_fail(write, damage):
    folder = write()
    if damage is None:
        (folder / "launch.json").unlink()
    else:
        (folder / "launch.json").write_text(damage)
    assert study_words(folder) == []


def test_of_very_many_studies_the_page_of_all_is_named(write, tmp_path):
    folders = [write(f"study_{n}") for n in range(MOST_STUDIES + 2)]
    told = last_words(folders, tmp_path)
    assert told[-1] == f"2 more studies: see {tmp_path / 'index.html'}"
    assert len([line for line in told if "decision" in line]) == MOST_STUDIES


def test_a_procedure_says_what_it_concludes(tmp_path):
    said = {"sentence": "It is unstable from 0.3.", "verdict": "unstable", "advice": "Warm up."}
    (tmp_path / "conclusion.json").write_text(json.dumps(said))
    name = tmp_path.name
    assert conclusion_words(tmp_path) == [
        f"{name}: It is unstable from 0.3.",
        "  verdict: unstable. Warm up.",
        f"  report: {tmp_path / 'report.html'}",
    ]
    (tmp_path / "conclusion.json").write_text("{")
    assert conclusion_words(tmp_path) == []


def test_a_target_that_no_trial_reached_is_no_lack_of_feasible_trials(write):
    metric = "steps to validation/error_rate <= 0.01"
    told = {"best_search_objective": None, "objective_metric": metric}
    lines = study_words(write(summary=SUMMARY | told))
    assert (
        f"  best of the search: {metric} not reached, 1,500 of 1,600 trials are feasible" in lines
    )
