"""A study of trials that another tool has trained, from its logs to the report."""

import json
import shutil
from types import SimpleNamespace

import pytest
import xarray as xr

from tests.sources.algoperf import LOGS, spec_of
from tests.specs import write_spec
from tests.workflow.background import in_background

pytestmark = pytest.mark.workflow


@in_background
def imported(workshop):
    """A study of AlgoPerf's trials, run, planned again, and planned with a number changed."""
    project = workshop.new_project("imported")
    shutil.copytree(LOGS / "imagenet_resnet_jax", project.root / "logs")
    spec = spec_of("imagenet_resnet_jax", source={"format": "algoperf", "path": "logs"})
    changes = {"baseline": "trial_3", "scientific": {"label_smoothing": [0.1]}}
    write_spec(project.root / "config/studies/smoothing.yaml", spec | changes)
    run = project.snakemake(study="smoothing")
    again = project.plan(study="smoothing")
    log = project.root / "logs/study_4/trial_1/eval_measurements.csv"
    log.write_text(log.read_text().replace("186666,", "186667,"))
    changed = project.plan(study="smoothing")
    for log in project.root.glob("logs/*/*/eval_measurements.csv"):
        log.write_text("global_step,validation/accuracy\n1,one\n")
    spoilt = project.run("-n", "--config", "study=smoothing")
    folder = project.results / "smoothing"
    return SimpleNamespace(run=run, again=again, changed=changed, spoilt=spoilt, folder=folder)


def test_everything_downstream_runs_and_nothing_is_trained(imported):
    assert {"import_trials", "diagnose_study", "decide_launch"} <= imported.run.rules.keys()
    assert {"plot_diagnostics", "plot_launch"} <= imported.run.rules.keys()
    assert {"report_study", "write_tracking"} <= imported.run.rules.keys()
    assert not [rule for rule in imported.run.rules if "train_" in rule or "export" in rule]
    assert imported.again.nothing_to_do


def test_the_datasets_open_without_a_word_and_the_launch_rests_on_the_seeds(imported):
    with xr.open_dataset(imported.folder / "reruns.nc") as reruns:
        assert reruns.sizes["trial"] == 9  # the first seed of the candidate is in study.nc
    launch = json.loads((imported.folder / "launch.json").read_text())
    assert launch["decision"] == "adopt"
    assert launch["caveats"][0].startswith("The trials were trained by another tool.")
    report = (imported.folder / "report.html").read_text()
    assert "study_0/trial_1" in report
    assert "tuning_playbook train" not in report


def test_a_changed_log_is_read_again(imported):
    assert "import_trials" in imported.changed.rules


def test_logs_that_are_all_bad_get_one_message_and_costs_nothing(imported):
    assert imported.spoilt.status == 1
    assert "row 2, column 'validation/accuracy': 'one' is no number" in imported.spoilt.text
    assert "Traceback" not in imported.spoilt.text
    assert (imported.folder / "report.html").exists()
