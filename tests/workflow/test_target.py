"""A study ranked by its best error, then by the steps to a target: training to archive."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.analysis.targets import steps_to_target
from tests.workflow.background import in_background
from tests.workflow.reading import load_dataset, problems_of

pytestmark = pytest.mark.workflow

CHANGES = {
    "training.max_train_steps": 100,
    "training.eval_every": 10,
    "search.trials": 4,
    "reruns.seeds": 1,
}
TARGET = 0.2


@in_background
def timed(workshop):
    project = workshop.new_project("timed")
    project.write_study("timed", CHANGES)
    project.snakemake("report", study="timed")
    folder = project.results / "timed"
    before = load_dataset(folder / "study.nc")
    kept = load_dataset(folder / "checkpoints.nc")
    project.write_study("timed", CHANGES | {"objective.target": TARGET})
    run = project.snakemake("report", "archive", study="timed")
    return SimpleNamespace(
        run=run,
        trained=run.trained("timed"),
        again=project.plan("report", "archive", study="timed"),
        before=before,
        kept=kept,
        study=load_dataset(folder / "study.nc"),
        reruns=load_dataset(folder / "reruns.nc"),
        checkpoints=load_dataset(folder / "checkpoints.nc"),
        launch=json.loads((folder / "launch.json").read_text()),
        report=(folder / "report.html").read_text(),
        problems=problems_of(project.results / "archive/timed.zip"),
    )


def test_a_target_trains_no_trial_again_and_loses_no_checkpoint(timed):
    assert not timed.trained
    assert timed.study["fingerprint"].values.tolist() == timed.before["fingerprint"].values.tolist()
    assert timed.checkpoints.identical(timed.kept)
    assert timed.again.nothing_to_do


def test_the_objective_is_what_a_loop_over_the_raw_curves_finds(timed):
    found = set()
    for dataset in (timed.study, timed.reruns):
        steps = dataset["eval_step"].values.tolist()
        curves = dataset["error_rate"].sel(split="validation").values.astype(np.float64)
        for place, status in enumerate(dataset["status"].values.astype(str)):
            wanted = steps_to_target(np.round(curves[place], 6), steps, TARGET, "min")
            reached = status == "completed" and wanted is not None
            assert dataset["censored"].values[place] == (status == "completed" and wanted is None)
            assert np.array_equal(
                dataset["objective"].values[place], wanted if reached else np.nan, equal_nan=True
            )
            found.add(reached)
    assert found == {True, False}


def test_the_fastest_trial_is_rerun_and_reported(timed):
    best = int(np.nanargmin(timed.study["objective"].values))
    candidate = timed.launch["candidate"]
    assert candidate["search_objective"] == timed.study["objective"].values.min(
        where=np.isfinite(timed.study["objective"].values), initial=np.inf
    )
    assert set(timed.reruns["rerun_of"].values) == {timed.study["trial"].values[best]}
    assert timed.launch["objective_target"] == TARGET
    assert f"steps to validation/error_rate &lt;= {TARGET}" in timed.report
    assert "not reached" in timed.report


def test_the_archive_follows_from_its_packs(timed):
    assert not timed.problems
