"""The test set is read once, on record, and only on purpose; folding comes with its warning."""

import json
from types import SimpleNamespace

import netCDF4
import pytest
import xarray as xr

from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB

pytestmark = pytest.mark.workflow

QUICK = IN_ONE_JOB | {"search.trials": 2, "reruns.seeds": 0}
HELD_OUT = QUICK | {"test": {"evaluate": "best"}, "final": {"fold_validation": True}}


@in_background
def decided(workshop):
    """A study that reads the test set and folds, one that reads it too, and the first again."""
    project = workshop.new_project("decided")
    project.write_study("first", HELD_OUT)
    project.write_study("second", QUICK | {"test": {"evaluate": "best"}, "search.seed": 1})
    runs = {name: project.snakemake("report", study=name) for name in ("first", "second")}
    record = (project.results / "first/test.json").read_bytes()
    project.write_study("first", HELD_OUT | {"launch.complexity": "none"})
    targets = [f"results/first/{name}" for name in ("test.json", "final/final.json")]
    runs["again"] = project.snakemake(*targets, study="first")
    return SimpleNamespace(project=project, runs=runs, record=record)


def read(decided, path):
    return json.loads((decided.project.results / path).read_text())


def test_the_record_says_when_the_test_set_was_read_and_by_which_study(decided):
    content = read(decided, "first/test.json")
    launch = read(decided, "first/launch.json")
    reading = content["reading"]
    assert (reading["study"], reading["trial"]) == ("first", launch["candidate"]["trial"])
    assert reading["read"] > "2026"
    assert set(reading["metrics"]) == {"loss", "error_rate"}
    assert content["earlier"] == []
    report = decided.project.report("first")
    assert "Read on" in report
    assert "had been read before" not in report


def test_a_second_reading_by_another_study_is_said_in_its_report(decided):
    (earlier,) = read(decided, "second/test.json")["earlier"]
    assert earlier == read(decided, "first/test.json")["reading"]
    report = decided.project.report("second")
    assert "This test set had been read before." in report
    assert "by the study first" in report


def test_whatever_runs_again_a_checkpoint_is_read_once(decided):
    assert "evaluate_test_set" in decided.runs["again"].rules
    assert (decided.project.results / "first/test.json").read_bytes() == decided.record
    assert (
        "kept the final model"
        in (decided.project.results / "first/logs/train_final.log").read_text()
    )


def test_the_final_model_is_there_and_the_report_warns_of_it(decided):
    final = read(decided, "first/final/final.json")
    folder = decided.project.results / "first/final"
    assert (folder / final["model"]["path"]).is_file()
    assert (folder / final["weights"]).is_dir()
    with xr.open_dataset(decided.project.results / "first/study.nc") as study:
        best_step = int(study["best_step"].sel(trial=final["trial"]))
    assert final["steps"] == read(decided, "first/test.json")["reading"]["step"] == best_step
    assert "only right where no further launch" in decided.project.report("first")
    assert "train_final" not in decided.runs["second"].rules


def test_without_a_word_nothing_reads_the_test_split(trained):
    assert not {"evaluate_test_set", "train_final"} & trained.plan("--forceall").rules.keys()
    found = {path.name: splits(path) for path in (trained.results / "small").rglob("*.nc")}
    told = {name: measured for name, measured in found.items() if measured}
    assert len(told) >= 4  # study, reruns, and the packs of both
    assert set().union(*told.values()) == {"train", "validation"}
    for path in (trained.results / "small").rglob("*"):
        assert "test" not in path.name
    assert "Test set" not in trained.report()


def splits(path):
    """The splits that a dataset, or a pack by the names of its metrics, was measured on."""
    with netCDF4.Dataset(path) as file:
        if "metric" in file.variables:
            return {name.partition("/")[0] for name in netCDF4.chartostring(file["metric"][:])}
        return set(file["split"][:]) if "split" in file.variables else set()
