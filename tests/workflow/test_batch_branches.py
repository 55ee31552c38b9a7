"""The critical batch size by branches of one run, from the spec to the report."""

import html
import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.specs import REMOVED
from tests.workflow.background import in_background
from tests.workflow.reading import load_dataset

pytestmark = pytest.mark.workflow

BRANCHES = {
    "goal": "From which batch size on do larger ones hardly save steps?",
    "objective.target": 0.5,
    "procedure": {"name": "batch_scaling", "from": 8, "to": 128, "branch": True, "compare": 64},
    "training.batch_size": REMOVED,
    "training.max_train_steps": 120,
    "training.eval_every": 2,
    "fixed": {"optimizer": "adam", "learning_rate": 0.004, "width": 16},
    "nuisance": REMOVED,
    "search": REMOVED,
    "reruns": {"seeds": 0},
    "resources.trials_per_job": 16,
}


@in_background
def branches(workshop):
    """A run at a batch size of 8, and its branches at larger ones."""
    project = workshop.new_project("branches")
    project.write_study("branches", BRANCHES)
    run = project.snakemake(study="branches")
    folder = project.results / "branches"
    return SimpleNamespace(
        run=run,
        conclusion=json.loads((folder / "conclusion.json").read_text()),
        dataset=load_dataset(folder / "conclusion.nc"),
        report=project.report("branches"),
        plots={path.name for path in (folder / "plots").iterdir()},
        again=project.plan(study="branches"),
    )


def test_branches_begin_with_the_run_and_go_on_at_their_own_batch_size(branches):
    assert [item["purpose"] for item in branches.conclusion["rounds"]] == ["sweep", "square root"]
    dataset = branches.dataset
    begin, sizes = dataset.attrs["branch_step"], dataset["hp_batch_size"].values
    assert len(set(sizes)) >= 3
    before = dataset["train_loss"].values[:, dataset["step"].values[0] <= begin]
    np.testing.assert_allclose(before, np.broadcast_to(before[0], before.shape), rtol=1e-2)
    after = dataset["train_loss"].values[1:, dataset["step"].values[0] > begin + 16]
    assert np.nanmin(np.nanstd(after[:, :4], axis=0)) > 0


def test_the_report_has_the_estimate_its_cost_and_its_plots(branches):
    assert html.escape(branches.conclusion["sentence"]) in branches.report
    assert "a full sweep takes" in branches.report
    assert branches.plots == {"branches.svg", "losses.svg"}


def test_a_second_run_has_nothing_to_do(branches):
    assert branches.again.nothing_to_do
