"""The tracking sheet: the playbook's columns, and safe to open in a spreadsheet."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from tuning_playbook.report.tracking import COLUMNS, summary_row, write_tracking
from tuning_playbook.study.origin import Taken


@pytest.fixture(scope="module")
def row(example):
    return summary_row(example.card, example.study, example.launch, example.resources)


def read_sheet(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_row_sums_up_the_study(example, row):
    objective = example.study["objective"].to_numpy()
    assert tuple(row) == (*COLUMNS, "campaign")
    assert {name: row[name] for name in COLUMNS} == {
        "study": "optimizer_choice",
        "goal": example.card.goal,
        "answer": example.launch["answer"]["sentence"],
        "notes": "first exploration round",
        "config": "config/studies/optimizer_choice.yaml",
        "workload": "digits_mlp",
        "trials_run": 16,
        "trials_feasible": 13,
        "objective_metric": "validation/error_rate",
        "objective_mode": "min",
        "best_search_objective": np.nanmin(objective),
        "candidate_arm": "optimizer=nesterov",
        "candidate_rerun_mean": example.launch["candidate"]["mean"],
        "candidate_rerun_sd": example.launch["candidate"]["standard_deviation"],
        "baseline_rerun_mean": example.launch["baseline"]["mean"],
        "baseline_rerun_sd": example.launch["baseline"]["standard_deviation"],
        "decision": "provisional",
        "finished": "2026-01-05T10:00:00Z",
        "builds_on": [],
        "reproduction_command": "snakemake --cores 2 --config study=optimizer_choice",
    }
    assert json.loads(json.dumps(row)) == row


def test_best_of_a_maximized_objective_is_the_largest(example):
    card = replace(example.card, objective_mode="max")
    largest = np.nanmax(example.study["objective"].to_numpy())
    study = example.study.assign_attrs(objective_mode="max")
    row = summary_row(card, study, example.launch, example.resources)
    assert row["best_search_objective"] == largest


def test_a_study_is_finished_when_its_last_trial_is(example):
    times = [f"2026-01-{day:02}T10:00:00Z" for day in (3, 9, 5, 4)] * 4
    resources = example.resources.assign(finished=("trial", np.array([*times[:-1], ""], object)))
    row = summary_row(example.card, example.study, example.launch, resources)
    assert row["finished"] == "2026-01-09T10:00:00Z"


def test_it_names_each_study_that_it_takes_values_from_once(example):
    taken = [
        Taken(f"fixed.{name}", "1", study, "arm", "trial", "fingerprint", "")
        for name, study in (("a", "first"), ("b", "=second"), ("c", "first"))
    ]
    card = replace(example.card, taken=tuple(taken))
    row = summary_row(card, example.study, example.launch, example.resources)
    assert row["builds_on"] == ["first", "=second"]
    (cells,) = read_sheet(write_tracking([row | {"builds_on": ["=second", "first"]}]))
    assert cells["builds_on"] == "'=second; first"


def test_what_an_earlier_version_did_not_write_is_empty(row):
    earlier = {name: value for name, value in row.items() if name not in ("answer", "finished")}
    (cells,) = read_sheet(write_tracking([earlier]))
    assert (cells["answer"], cells["finished"]) == ("", "")


def test_what_is_missing_is_empty(example):
    nothing = np.full(example.study.sizes["trial"], np.nan)
    study = example.study.assign(objective=("trial", nothing))
    launch = example.launch | {"candidate": None, "baseline": None}
    resources = example.resources.drop_vars("finished")  # of trials of another tool
    row = summary_row(replace(example.card, commands=()), study, launch, resources)
    (cells,) = read_sheet(write_tracking([row]))
    assert cells["trials_feasible"] == "0"
    empty = {name for name, value in cells.items() if value == ""}
    assert empty == {
        "best_search_objective",
        "candidate_arm",
        "candidate_rerun_mean",
        "candidate_rerun_sd",
        "baseline_rerun_mean",
        "baseline_rerun_sd",
        "finished",
        "builds_on",
        "reproduction_command",
    }


def test_sheet_keeps_order_commas_quotes_and_lines(row):
    text = 'a "quoted", goal\nof two lines, ±1 %'
    sheet = write_tracking([row | {"goal": text, "study": "b"}, row | {"study": "a"}])
    first, second = read_sheet(sheet)
    assert (first["study"], second["study"]) == ("b", "a")
    assert first["goal"] == text
    assert float(first["candidate_rerun_mean"]) == row["candidate_rerun_mean"]
    assert sheet.splitlines()[0] == ",".join(COLUMNS)
    assert "\r" not in sheet


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(row, start):
    formula = f"{start}HYPERLINK(1)"
    (cells,) = read_sheet(write_tracking([row | {"goal": formula, "best_search_objective": -0.5}]))
    assert cells["goal"] == "'" + formula.replace("\r", "\n")
    assert cells["best_search_objective"] == "-0.5"


def test_a_sheet_of_no_study_has_its_header():
    assert write_tracking([]) == ",".join(COLUMNS) + "\n"
