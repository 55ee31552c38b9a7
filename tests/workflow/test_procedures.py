"""A procedure: rounds that run by themselves, each an ordinary study."""

import json
import os
import signal
import sys
from types import SimpleNamespace

import pytest

from tests.specs import STABILITY
from tests.workflow.background import in_background
from tests.workflow.project import HANGS, wait_until
from tests.workflow.reading import conclusion_of, load_dataset, trainings_of

pytestmark = pytest.mark.workflow

OTHER_LOOK = {"procedure": {"name": "stability", "rates": [1, 40], "look_steps": 25}}

MOMENTS = ("rounds/1/trials/*/trial.json", "rounds/2/trials/*/trial.json")
"""What exists when a run is killed: the first finished trial of a round."""


@in_background
def procedure(workshop):
    """A procedure from nothing; what is planned before and after; then one with another look."""
    project = workshop.new_project("procedure")
    project.write_study("stable", STABILITY)
    before = project.plan(study="stable")
    adoption = project.run("--dry-run", "adopt_baseline", "--config", "study=stable")
    run = project.snakemake(study="stable")
    rounds = sorted(int(path.name) for path in (project.results / "stable/rounds").iterdir())
    first = SimpleNamespace(
        run=run,
        conclusion=json.loads((project.results / "stable/conclusion.json").read_text()),
        dataset=load_dataset(project.results / "stable/conclusion.nc"),
        trained={number: run.trained(f"stable/rounds/{number}") for number in rounds},
        again=project.plan(study="stable"),
        report=project.report("stable"),
        files=conclusion_of(project.results / "stable"),
        index=(project.results / "index.html").read_text(),
        tracked=(project.results / "tracking.csv").read_text(),
        plots={path.name for path in (project.results / "stable/plots").iterdir()},
    )
    project.write_study("stable", STABILITY | OTHER_LOOK)
    reported = project.plan(study="stable", config=["incomplete=report"])
    decided = project.plan(study="stable", config=["incomplete=decide"])
    second = project.snakemake(study="stable")
    left = project.shell(f"PYTHONPATH=src {sys.executable} -m tuning_playbook leftovers stable")
    concluded = json.loads((project.results / "stable/conclusion.json").read_text())
    return SimpleNamespace(
        before=before,
        adoption=adoption,
        reported=reported,
        decided=decided,
        first=first,
        again=project.plan(study="stable"),
        left={line.rpartition("/")[2] for line in left.output.splitlines()[:-1]},
        trials={path.name for path in project.results.glob("stable/rounds/*/trials/*")},
        counted={name for item in concluded["rounds"] for name in item["trials"]},
        retrained={number: second.trained(f"stable/rounds/{number}") for number in rounds},
    )


@in_background
def killed_twice(workshop):
    """The same procedure, killed in two of its rounds with all its jobs, and continued."""
    project = workshop.new_project("killed_procedure")
    project.write_study("stable", STABILITY)
    settings = ("--config", "study=stable")
    finished = []
    for moment in MOMENTS:
        snakemake = project.start("--rerun-incomplete", *settings)
        try:
            wait_until(
                lambda moment=moment: [*project.results.glob(f"stable/{moment}")], of=snakemake
            )
        finally:
            os.killpg(snakemake.pid, signal.SIGKILL)
        assert snakemake.wait(HANGS) == -signal.SIGKILL
        finished.append(trainings_of(project.results / "stable"))
        assert project.run("--unlock", *settings).status == 0
    project.snakemake("--rerun-incomplete", study="stable")
    return SimpleNamespace(
        finished=finished,
        trainings=trainings_of(project.results / "stable"),
        files=conclusion_of(project.results / "stable"),
    )


def test_before_anything_ran_the_first_round_is_planned(procedure):
    planned = procedure.before.rules
    assert (planned["train_pack"], planned["plan_round"], planned["conclude_procedure"]) == (
        1,
        1,
        1,
    )


def test_every_round_is_trained_by_one_call_and_tracked(procedure):
    first = procedure.first
    assert [item["purpose"] for item in first.conclusion["rounds"]] == ["rates", "look", "between"]
    for item in first.conclusion["rounds"]:
        assert first.trained[item["round"]] == set(item["trials"])
        assert item["study"] in first.tracked


def test_a_procedure_has_no_launch_to_adopt(procedure):
    refused = procedure.adoption
    assert refused.status != 0
    assert "stable is a procedure, so there is no launch of it to adopt" in refused.text


def test_the_page_of_all_studies_leads_to_its_report(procedure):
    assert 'href="./stable/report.html"' in procedure.first.index


def test_a_report_of_what_there_is_asks_for_no_conclusion(procedure):
    """Another setting plans the later rounds anew, so only the first one is there."""
    assert not {"plan_round", "conclude_procedure", "train_pack"} & set(procedure.reported.rules)


def test_what_there_is_is_decided_on_with_the_rounds_that_follow(procedure):
    assert procedure.decided.rules["plan_round"] == 1


def test_the_conclusion_says_where_training_becomes_unstable(procedure):
    first = procedure.first
    rate = first.conclusion["values"]["unstable_rate"]
    unstable = first.dataset["unstable"].values.astype(bool)
    assert 0.05 < rate <= 2.0
    assert rate == pytest.approx(first.dataset["hp_learning_rate"].values[unstable].min())
    assert first.conclusion["sentence"] in first.report
    assert f"stable: {first.conclusion['sentence']}" in first.run.text
    assert first.plots == {"training.svg", "rates.svg", "look.svg"}


def test_a_second_run_has_nothing_to_do(procedure):
    assert procedure.first.again.nothing_to_do
    assert procedure.again.nothing_to_do


def test_another_setting_of_one_round_trains_that_round_alone(procedure):
    assert {number for number, trials in procedure.retrained.items() if trials} == {2}


def test_a_procedure_that_is_killed_twice_trains_no_finished_trial_again(killed_twice):
    first, second = killed_twice.finished
    assert first
    assert first.items() < second.items() < killed_twice.trainings.items()


def test_trials_of_earlier_settings_are_left_over(procedure):
    assert procedure.left == procedure.trials - procedure.counted
    assert procedure.left


def test_a_procedure_that_is_killed_twice_concludes_the_same(killed_twice, procedure):
    assert killed_twice.files == procedure.first.files
