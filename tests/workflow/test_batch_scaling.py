"""A procedure that compares batch sizes, from its spec to its report."""

import html
import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.specs import REMOVED
from tests.workflow.background import in_background
from tests.workflow.reading import load_dataset

pytestmark = pytest.mark.workflow

SCALING = {
    "goal": "From which batch size on do larger ones hardly save steps?",
    "objective.target": 0.5,
    "procedure": {"name": "batch_scaling", "batch_sizes": [16, 64, 256]},
    "training.batch_size": REMOVED,
    "training.max_train_steps": 60,
    "training.eval_every": 2,
    "fixed.learning_rate": 0.05,
    "nuisance": REMOVED,
    "search": REMOVED,
    "reruns": {"seeds": 1},
    "resources.trials_per_job": 16,
}


@in_background
def scaling(workshop):
    """Three batch sizes at one learning rate, each with a rerun."""
    project = workshop.new_project("scaling")
    project.write_study("scaling", SCALING)
    run = project.snakemake(study="scaling")
    folder = project.results / "scaling"
    return SimpleNamespace(
        run=run,
        conclusion=json.loads((folder / "conclusion.json").read_text()),
        dataset=load_dataset(folder / "conclusion.nc"),
        reruns=load_dataset(folder / "rounds/2/reruns.nc"),
        report=project.report("scaling"),
        plots={path.name for path in (folder / "plots").iterdir()},
        again=project.plan(study="scaling"),
    )


def test_the_best_of_each_batch_size_is_rerun_and_its_steps_are_those_of_the_rerun(scaling):
    assert [item["purpose"] for item in scaling.conclusion["rounds"]] == ["sweep", "reruns"]
    assert scaling.dataset["batch_size"].values.tolist() == [16, 64, 256]
    again = {
        int(size): float(steps)
        for size, steps in zip(
            scaling.reruns["hp_batch_size"].values,
            scaling.reruns["objective"].values,
            strict=True,
        )
    }
    known = zip(scaling.dataset["batch_size"].values, scaling.dataset["steps"].values, strict=True)
    np.testing.assert_equal({int(size): float(steps) for size, steps in known}, again)


def test_the_time_of_a_step_is_measured_and_tells_the_fastest(scaling):
    dataset, values = scaling.dataset, scaling.conclusion["values"]
    assert (dataset["seconds_per_step"].values > 0).all()
    assert values["fastest"] == dataset["batch_size"].values[np.nanargmin(dataset["seconds"])]


def test_the_report_has_the_conclusion_the_batch_sizes_and_that_nothing_was_tuned(scaling):
    assert html.escape(scaling.conclusion["sentence"]) in scaling.report
    assert "Nothing was tuned anew at each batch size" in scaling.report
    assert "seconds to the target" in scaling.report
    assert scaling.plots == {"scaling.svg", "rates.svg", "time.svg"}


def test_a_second_run_has_nothing_to_do(scaling):
    assert scaling.again.nothing_to_do
