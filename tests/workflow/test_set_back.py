"""A candidate's changes are set back to the baseline, in a whole run."""

import json
from types import SimpleNamespace

import pytest
from markupsafe import escape

from tests.specs import write_spec
from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.reading import load_dataset

pytestmark = pytest.mark.workflow

BASELINE = {
    "workload": "digits_mlp",
    "hyperparameters": {"optimizer": "momentum", "learning_rate": 0.002, "width": 16},
}
ASKED = IN_ONE_JOB | {
    "fixed": {"optimizer": "momentum", "width": 16, "dropout": 0.3},
    "nuisance": {"learning_rate": {"log_uniform": [0.02, 0.1]}},
    "search.trials": 2,
    "baseline": "config/baselines/small.yaml",
    "reruns": {"seeds": 2, "back": 2},
}


@in_background
def undone(workshop):
    """A study of which two things of the candidate differ from the baseline; then other words."""
    project = workshop.new_project("undone")
    write_spec(project.root / "config/baselines/small.yaml", BASELINE)
    project.write_study("small", ASKED)
    project.snakemake()
    told = json.loads((project.results / "small/set_back.json").read_text())
    trials = load_dataset(project.results / "small/set_back.nc")
    again = project.plan().nothing_to_do
    project.write_study("small", ASKED | {"launch": {"min_improvement": 0.001}})
    later = project.snakemake()
    return SimpleNamespace(
        told=told,
        trials=trials,
        again=again,
        report=project.report(),
        retrained=later.trained("small"),
    )


def test_each_change_has_its_trainings_and_a_verdict(undone):
    changes = {tuple(change["names"]): change for change in undone.told["changes"]}
    assert changes.keys() == {("dropout",), ("learning_rate",)}
    assert all(len(change["objectives"]) == 2 for change in changes.values())
    assert sorted(undone.trials["set_back"].values) == ["dropout"] * 2 + ["learning_rate"] * 2
    rates = undone.trials["hp_learning_rate"].values[undone.trials["set_back"] == "learning_rate"]
    assert set(rates) == {0.002}


def test_the_report_has_the_table(undone):
    assert "What mattered" in undone.report
    assert str(escape(undone.told["sentence"])) in undone.report


def test_afterwards_nothing_is_to_be_done(undone):
    assert undone.again


def test_another_margin_decides_anew_and_trains_nothing(undone):
    assert not undone.retrained
