"""The first hour of docs/first-hour.md: every file is written and every command called."""

import csv
import json
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from tests.workflow.background import in_background
from tests.workflow.documents import play

pytestmark = pytest.mark.workflow


@in_background
def first_hour(workshop):
    project = workshop.new_project("first_hour")
    return SimpleNamespace(project=project, runs=dict(play(project, "first-hour.md")))


def test_every_command_of_the_page_succeeds(first_hour):
    failed = {command: run.text for command, run in first_hour.runs.items() if run.status}
    assert not failed
    assert len(first_hour.runs) == 7


def test_check_has_no_advice_and_can_tell_everything(first_hour):
    said = first_hour.runs["tuning-playbook check hidden_layer"].text
    assert "32 trials, in " in said
    assert "advice" not in said
    assert "cannot tell" not in said


def test_the_answer_is_the_one_of_the_page(first_hour):
    results = first_hour.project.results / "hidden_layer"
    launch = json.loads((results / "launch.json").read_text())
    assert launch["decision"] == "adopt"
    assert launch["candidate"]["arm"] == "hidden=32"
    findings = json.loads((results / "diagnostics.json").read_text())["findings"]
    asked = [item["check"] for item in findings if item["answer"] in ("warning", "problem")]
    assert asked == ["gradient_norms"]
    assert (
        "hidden=32 is better than hidden=0"
        in first_hour.runs["tuning-playbook status hidden_layer"].text
    )


def test_the_launch_replaces_the_baseline_and_is_recorded(first_hour):
    config = first_hour.project.root / "config"
    baseline = YAML(typ="safe").load(config / "baselines/my_model-OddOrEven.yaml")
    assert baseline["hyperparameters"]["hidden"] == 32
    with (config / "launches.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["study"], row["decision"], row["forced"]) == ("hidden_layer", "adopt", "")


def test_the_next_round_is_the_one_of_the_page(first_hour):
    spec = YAML(typ="safe").load(
        first_hour.project.root / "config/studies/hidden_layer_round2.yaml"
    )
    assert spec["nuisance"]["learning_rate"]["log_uniform"][1] < 10.0
    assert spec["fixed"]["clip_norm"] > 0.0
