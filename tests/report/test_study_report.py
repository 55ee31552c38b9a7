"""The report of a study and its row of the tracking sheet follow from its files."""

import numpy as np
import pytest
import xarray as xr

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


def keep_checkpoints(example, folder, kept):
    trials = example.study["trial"]
    variables = {"kept": ("trial", np.full(len(trials), kept, np.int8))}
    xr.Dataset(variables, coords={"trial": trials}).to_netcdf(folder / "checkpoints.nc")


@pytest.fixture
def files(example, tmp_path):
    for name in ("study", "reruns", "resources"):
        getattr(example, name).to_netcdf(tmp_path / f"{name}.nc")
    keep_checkpoints(example, tmp_path, 1)
    write_json(tmp_path / "launch.json", example.launch)
    write_json(tmp_path / "diagnostics.json", {"findings": example.findings})
    write_json(tmp_path / "test.json", {"evaluate": "best", "reading": None, "earlier": []})
    for stem, text in example.plots.items():
        (tmp_path / f"{stem}.svg").write_text(text)
    datasets = ("study", "checkpoints", "reruns", "resources")
    one = {name: f"{tmp_path}/{name}.nc" for name in datasets}
    one |= {name: f"{tmp_path}/{name}.json" for name in ("launch", "diagnostics")}
    plots = [f"{tmp_path}/{stem}.svg" for stem in example.plots]
    optional = ("replicates", "next_study", "set_back", "set_back_trials", "test", "final")
    return one | {"plots": plots} | {name: [] for name in optional}


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
    assert row == summary_row(card, example.study, example.launch, example.resources)


def test_what_only_some_studies_have_is_in_it_where_it_is_given(files, tmp_path):
    (tmp_path / "next_study.yaml").write_text("goal: What comes next?\n")
    given = {"next_study": [f"{tmp_path}/next_study.yaml"], "test": [f"{tmp_path}/test.json"]}
    plan = plan_of(tmp_path)
    html, _ = report_study(plan, "results", **(files | given))
    without, _ = report_study(plan, "results", **files)
    assert "What comes next?" in html
    assert "What comes next?" not in without
    assert "Test set" in html


def test_it_says_how_many_trials_keep_no_checkpoint_of_their_best_step(example, files, tmp_path):
    plan = plan_of(tmp_path)
    all_kept, _ = report_study(plan, "results", **files)
    keep_checkpoints(example, tmp_path, 0)
    none_kept, _ = report_study(plan, "results", **files)
    feasible = int((example.study["best_step"] >= 0).sum())
    assert f"The best checkpoints of {feasible} trials are missing, because" in none_kept
    assert "are missing, because" not in all_kept
