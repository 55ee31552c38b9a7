"""A study of a command, from its spec to its report and its archive."""

import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from tests.commands import STUDY, by_hand, write_command
from tests.specs import write_spec
from tests.workflow.background import in_background
from tests.workflow.reading import load_dataset
from tuning_playbook.study.command_file import read_command
from tuning_playbook.trials.trial import trial_from_json

pytestmark = pytest.mark.workflow

CHANGES = {
    "scientific": {"weight_decay": [0.0, 0.1]},
    "reruns": {"seeds": 2},
    "baseline": "incumbent.yaml",
    "resources": {"trials_per_job": 4},
}

BASELINE = {"workload": "trainer.yaml", "hyperparameters": {"learning_rate": 0.02}}


@in_background
def commanded(workshop):
    """A study of a command after its first run, with its archive."""
    project = workshop.new_project("command")
    folder = project.root / "config/studies"
    write_command(folder)
    write_spec(folder / "incumbent.yaml", BASELINE)
    project.write_study("own", CHANGES, STUDY)
    run = project.snakemake(study="own")
    project.snakemake("archive", study="own")
    return SimpleNamespace(project=project, folder=folder, run=run, results=project.results / "own")


def test_its_trials_and_reruns_are_trained_and_decided_on(commanded):
    assert len(commanded.run.trained("own")) == 4
    assert len(commanded.run.retrained("own")) == 6  # two of each arm, and of the baseline
    launch = json.loads((commanded.results / "launch.json").read_text())
    assert launch["decision"] in ("adopt", "reject", "provisional")
    assert len(launch["candidate"]["rerun_objectives"]) == 2


@pytest.mark.parametrize("dataset", ["study.nc", "reruns.nc"])
def test_a_script_run_by_hand_gives_the_numbers_of_a_dataset(commanded, dataset, tmp_path):
    found = load_dataset(commanded.results / dataset)
    command = read_command(commanded.folder / "trainer.yaml")
    for row, name in enumerate(found["trial"].values):
        record = json.loads((commanded.results / f"trials/{name}/trial.json").read_text())
        rows = by_hand(command, trial_from_json(record["trial"]), tmp_path / str(name))
        measured = found["error"].sel(split="validation").isel(trial=row).values
        assert measured.tolist() == [rows[step] for step in found["eval_step"].values.tolist()]


def test_what_was_not_measured_is_not_judged(commanded):
    findings = json.loads((commanded.results / "diagnostics.json").read_text())["findings"]
    answers = {finding["check"]: finding["answer"] for finding in findings}
    assert answers["gradient_norms"] == "cannot tell"
    assert answers["sample_skew"] == "cannot tell"
    assert np.isnan(load_dataset(commanded.results / "study.nc")["grad_norm"].values).all()


def test_the_report_names_the_folder_of_the_script_and_no_model(commanded):
    report = commanded.project.report("own")
    candidate = json.loads((commanded.results / "launch.json").read_text())["candidate"]["trial"]
    assert f"trials/{candidate}/script/" in report
    assert "models.json" not in report
    assert "checkpoints of" not in report
    assert not (commanded.results / "models.json").exists()


def test_the_same_study_again_runs_nothing(commanded):
    assert commanded.project.plan(study="own").nothing_to_do


def test_a_changed_script_trains_everything_again_and_another_file_nothing(commanded):
    (commanded.folder / "notes.txt").write_text("another file\n")
    assert commanded.project.plan(study="own").nothing_to_do
    script = commanded.folder / "train.py"
    before = script.read_text()
    script.write_text(before + "# changed\n")
    planned = commanded.project.plan("study_dataset", study="own").rules
    script.write_text(before)
    assert planned["train_pack"] == 2
    assert commanded.project.plan(study="own").nothing_to_do


def test_its_archive_holds_the_command_and_trains_it_again(commanded):
    archive = commanded.project.results / "archive/own.zip"
    with zipfile.ZipFile(archive) as files:
        for name in ("train.py", "trainer.yaml"):
            assert files.read(f"own/data/spec/{name}") == (commanded.folder / name).read_bytes()
    python = "PYTHONPATH=src python -m tuning_playbook"
    verified = commanded.project.shell(f"{python} verify {archive}")
    assert verified.status == 0, verified.text
    again = f"{python} reproduce {archive} --trial 0 --sample 1"
    refused = commanded.project.shell(again)
    assert refused.status == 1
    assert "It would run the command `" in refused.text
    done = commanded.project.shell(f"{again} --trust")
    assert done.status == 0, done.text
    last = "2 of 2 gave the same numbers, 0 others lie within the trial variance"
    assert done.output.splitlines()[-1] == last
