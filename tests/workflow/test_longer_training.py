"""The procedure `longer_training`: trials of two optimizers go on in one longer round."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.specs import REMOVED
from tests.workflow.background import in_background
from tests.workflow.reading import load_dataset

pytestmark = pytest.mark.workflow

LONGER = {
    "goal": "Does what 50 steps found hold at 100?",
    "procedure": {"name": "longer_training", "times": 2, "trials": 4},
    "fixed": {"width": 16, "schedule": "linear"},
    "scientific": {"optimizer": ["momentum", "adam"]},
    "search": {"algorithm": "halton", "trials": 3},
    "reruns": REMOVED,
    "resources.trials_per_job": 16,
}


@in_background
def longer_training(workshop):
    """A procedure whose best trials are of two optimizers."""
    project = workshop.new_project("longer")
    project.write_study("longer", LONGER)
    run = project.snakemake(study="longer")
    folder = project.results / "longer"
    return SimpleNamespace(
        trained=[run.trained(f"longer/rounds/{number}") for number in (1, 2)],
        conclusion=json.loads((folder / "conclusion.json").read_text()),
        dataset=load_dataset(folder / "conclusion.nc"),
        again=project.plan(study="longer"),
        report=project.report("longer"),
        plots={path.name for path in (folder / "plots").iterdir()},
    )


def test_the_best_trials_of_both_optimizers_train_twice_as_long(longer_training):
    assert [len(trials) for trials in longer_training.trained] == [6, 4]
    dataset = longer_training.dataset
    longer = dataset["purpose"].values.astype(str) == "longer"
    assert set(dataset["hp_hold_steps"].values[longer]) == {50}
    assert set(dataset["hp_decay_steps"].values[longer]) == {50}
    assert 0 < np.isfinite(dataset["hp_b1"].values[longer]).sum() < 4  # momentum has none


def test_every_trial_has_its_place_at_both_lengths(longer_training):
    dataset = longer_training.dataset
    longer = dataset["purpose"].values.astype(str) == "longer"
    loss, place = dataset["loss"].values, dataset["place"].values
    for places, losses in (
        (place[longer], loss[longer]),
        (place[~longer][place[~longer] > 0], loss[~longer][place[~longer] > 0]),
    ):
        assert places.tolist() == [1 + sum(losses < own) for own in losses]


def test_the_report_has_conclusion_list_and_plots(longer_training):
    assert longer_training.conclusion["sentence"] in longer_training.report
    assert "Expected to transfer to longer training" in longer_training.report
    assert longer_training.plots == {"ranks.svg", "curves.svg"}
    assert longer_training.again.nothing_to_do
