"""How far a procedure is, as its files tell."""

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.specs import REMOVED, SMALL, changed, write_spec
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.procedures.planned import conclusion_key, planning_key
from tuning_playbook.procedures.procedure_state import is_concluded, planned_rounds, reached_rounds
from tuning_playbook.study.planned_round import write_end, write_round, written_round
from tuning_playbook.study.read import read_spec
from tuning_playbook.study.settled import read_settled, write_settled

SPEC = {
    "procedure": {"name": "stability"},
    "fixed.learning_rate": 0.05,
    "nuisance": REMOVED,
    "search": REMOVED,
}


@pytest.fixture
def procedure(tmp_path):
    """A procedure, and a function that writes a file of it at a time in seconds."""
    path = write_spec(tmp_path / "stable.yaml", changed(SPEC))
    written = read_spec(path)

    def write(name, at, text=""):
        file = tmp_path / "results/stable" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (at, at))

    def plan(number, at):
        text = write_round(written_round(path, f"stable/rounds/{number}", SMALL), "look")
        write(f"planned/{number}.yaml", at, text)

    return SimpleNamespace(
        path=path,
        results=tmp_path / "results",
        write=write,
        plan=plan,
        end=lambda number, at: write(f"planned/{number}.yaml", at, write_end(path, number - 1)),
        planning=f"current/planned-{planning_key(written)}",
        conclusion=f"current/concluded-{conclusion_key(written)}",
        concluded=lambda: is_concluded(plan_chain([path])["stable"], tmp_path / "results"),
        rounds=lambda: planned_rounds(plan_chain([path])["stable"], tmp_path / "results"),
    )


def test_of_a_new_procedure_the_first_round_is_known(procedure):
    assert procedure.rounds() == (1,)


def test_rounds_are_planned_up_to_the_one_that_does_not_follow(procedure):
    procedure.write(procedure.planning, 10)
    for number in (2, 3):
        procedure.plan(number, 10 * number)
    assert procedure.rounds() == (1, 2, 3)
    procedure.end(4, 40)
    assert procedure.rounds() == (1, 2, 3)


def test_rounds_that_were_planned_of_another_spec_do_not_count(procedure):
    procedure.write(procedure.planning, 10)
    procedure.plan(2, 20)
    write_spec(procedure.path, changed(SPEC | {"fixed.learning_rate": 0.1}))
    assert procedure.rounds() == (1,)


def test_a_round_that_was_planned_before_its_earlier_ones_does_not_count(procedure):
    procedure.write(procedure.planning, 10)
    procedure.plan(3, 20)
    procedure.plan(2, 30)
    assert procedure.rounds() == (1, 2)
    procedure.write(procedure.planning, 40)
    assert procedure.rounds() == (1,)


def test_a_spec_that_cannot_be_read_now_plans_nothing_further(procedure):
    link = plan_chain([procedure.path])["stable"]
    procedure.write(procedure.planning, 10)
    procedure.plan(2, 20)
    procedure.path.write_text("goal: [")
    assert planned_rounds(link, procedure.results) == (1,)


def test_a_conclusion_is_up_to_date_while_it_is_newer_than_all_that_it_follows_from(procedure):
    assert not procedure.concluded()
    procedure.write(procedure.conclusion, 10)
    assert not procedure.concluded()  # the stamp comes first
    procedure.write("conclusion.json", 20)
    assert procedure.concluded()
    procedure.write("rounds/2/study.nc", 30)
    assert not procedure.concluded()
    procedure.write("conclusion.json", 40)
    assert procedure.concluded()
    procedure.write(procedure.conclusion, 50)
    assert not procedure.concluded()


@pytest.mark.parametrize("text", ["goal: [", "goal: Which?", None])
def test_a_spec_that_is_edited_while_a_run_ends_is_not_concluded(procedure, text):
    link = plan_chain([procedure.path])["stable"]
    procedure.write(procedure.conclusion, 10)
    procedure.write("conclusion.json", 20)
    assert is_concluded(link, procedure.results)
    procedure.path.unlink() if text is None else procedure.path.write_text(text)
    assert not is_concluded(link, procedure.results)


def test_what_a_procedure_takes_from_is_settled_before_it_is_concluded(tmp_path):
    write_spec(tmp_path / "first.yaml", changed({}))
    taken = {"fixed.learning_rate": {"from": "first", "of": "best"}}
    path = write_spec(tmp_path / "stable.yaml", changed(SPEC | taken))
    link, results = plan_chain([path])["stable"], tmp_path / "results"
    assert planned_rounds(link, results) == ()  # it is not settled

    def write(name, at, text=""):
        file = results / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (at, at))

    write("first/study.nc", 10)
    settled = write_settled(replace(read_spec(path), document=changed(SPEC)))
    write("stable/settled.yaml", 20, settled)
    written = read_settled(results / "stable/settled.yaml")
    write(f"stable/current/planned-{planning_key(written)}", 20)
    write(f"stable/current/concluded-{conclusion_key(written)}", 30)
    write("stable/conclusion.json", 40)
    assert is_concluded(link, results)
    round_ = written_round(path, "stable/rounds/1", SMALL)
    write("stable/planned/1.yaml", 25, write_round(round_, "rates"))
    assert planned_rounds(link, results) == (1,)
    write("first/study.nc", 50)
    assert not is_concluded(link, results)


def test_rounds_of_a_longer_course_are_not_reached_any_more(procedure):
    folder = procedure.results / "stable"
    assert reached_rounds(folder) == ()
    for number in (1, 2, 3, 4):
        procedure.plan(number, 10)
    assert reached_rounds(folder) == (1, 2, 3, 4)
    procedure.end(3, 5)
    assert reached_rounds(folder) == (1, 2)
