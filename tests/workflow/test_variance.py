"""A study that asks for every variance: repeats of its search, other divisions of its data."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from tests.sources.algoperf import datasets
from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import CHECKOUT, recorded_jobs
from tests.workflow.test_archive import write_import
from tuning_playbook.archive.provenance import jobs_of
from tuning_playbook.archive.verify import verify
from tuning_playbook.planning.plan import plan_study

pytestmark = pytest.mark.workflow

ASKED = IN_ONE_JOB | {"replicates": 2, "reruns": {"seeds": 2, "splits": 2}}
BASELINE = {"baseline": str(CHECKOUT / "config" / "baselines" / "digits_mlp.yaml")}


@in_background
def varied(workshop):
    """The study as it is archived, with what Snakemake would do to it next."""
    project = workshop.new_project("varied")
    project.write_study("small", ASKED | BASELINE)
    run = project.snakemake("archive")
    again = project.plan()
    project.write_study("small", IN_ONE_JOB)  # without what was asked for beside the search
    plain = project.plan("study_dataset")
    project.write_study("small", ASKED | BASELINE)
    return SimpleNamespace(project=project, run=run, again=again, plain=plain)


def opened(varied, name):
    with xr.open_dataset(varied.project.results / "small" / name) as dataset:
        return dataset.load()


def test_the_jobs_are_known_from_the_start_and_done_once(varied):
    assert varied.run.rules["train_pack"] == 3  # of the search and of each repeat
    assert varied.run.rules["train_reruns"] == 2
    assert varied.run.rules["collect_replicates"] == 1
    assert varied.again.rules.keys() == {"write_tracking"}  # which no archive asks for


def test_the_search_itself_is_the_one_without_repeats(varied):
    assert varied.plain.nothing_to_do
    study, replicates = opened(varied, "study.nc"), opened(varied, "replicates.nc")
    assert study.sizes["trial"] == 4
    assert "replicate" not in study
    assert replicates["replicate"].to_numpy().tolist() == [1] * 4 + [2] * 4
    assert not set(study["trial"].to_numpy()) & set(replicates["trial"].to_numpy())
    rates = [*study["hp_learning_rate"].to_numpy(), *replicates["hp_learning_rate"].to_numpy()]
    assert len(set(rates)) == 12


def test_study_variance_is_that_of_three_searches(varied):
    launch = json.loads((varied.project.results / "small" / "launch.json").read_text())
    (row,) = launch["study_variance"]
    study, replicates = opened(varied, "study.nc"), opened(varied, "replicates.nc")
    bests = replicates["objective"].groupby(replicates["replicate"]).min().to_numpy()
    assert row["bests"] == [float(study["objective"].min()), *bests.tolist()]
    assert row["method"] == "the trials of 3 searches, each with a seed of its own"
    assert row["standard_deviation"] == pytest.approx(np.std(row["bests"], ddof=1))
    assert launch["candidate"]["trial"] in set(study["trial"].to_numpy())


def test_other_divisions_train_on_other_data(varied):
    reruns = opened(varied, "reruns.nc")
    assert reruns["data_split"].to_numpy().tolist() == [0, 0, 1, 2] * 2
    before_training = reruns["error_rate"].sel(split="validation", eval_step=0).to_numpy()
    assert np.isfinite(before_training).all()
    launch = json.loads((varied.project.results / "small" / "launch.json").read_text())
    assert [row["arm"] for row in launch["data_variance"]] == ["all trials", "baseline"]
    assert len(launch["candidate"]["rerun_objectives"]) == 2
    assert any("other divisions of the data" in reason for reason in launch["reasons"])


def test_the_report_and_the_plot_say_which_is_which(varied):
    report = varied.project.report()
    for heading in ("Study variance", "Data variance"):
        assert f"<h3>{heading}</h3>" in report
    assert "3 searches, each with a seed of its own" in report
    plot = (varied.project.results / "small" / "plots" / "isolation.svg").read_text()
    assert "best trial of each repeat of the search" in plot
    assert "best of another search, 90 % interval" in plot


def test_the_archive_holds_all_of_it(varied):
    found = verify(varied.project.results / "archive" / "small.zip")
    assert found.problems == ()
    assert found.trials == 4 + 8 + 8


def test_which_job_made_what_is_told_as_snakemake_recorded_it(varied, monkeypatch):
    project = varied.project
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.cache))
    jobs = jobs_of(plan_study(Path("config/studies/small.yaml")), project.results / "small")
    told = {(job.rule, tuple(sorted(job.made)), tuple(sorted(job.of))) for job in jobs}
    recorded = {job for job in recorded_jobs(project, "small") if job[0] != "archive_study"}
    assert told == recorded


def test_a_study_of_its_archive_tells_seeds_and_divisions_of_the_data_apart(
    varied, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(varied.project.cache))
    shutil.copyfile(varied.project.results / "archive" / "small.zip", tmp_path / "small.zip")
    imported, known = datasets(write_import(tmp_path)).reruns, opened(varied, "reruns.nc")
    for name in ("trial", "arm", "rerun", "rerun_of", "data_split", "objective"):
        np.testing.assert_array_equal(imported[name], known[name])
    assert imported.attrs["rerun_seeds"] == known.attrs["rerun_seeds"] == 2
