"""A Bayesian search as a whole: rounds whose trials are results."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.workflow.background import in_background
from tests.workflow.conftest import IN_ONE_JOB
from tests.workflow.project import recorded_jobs
from tests.workflow.reading import load_dataset
from tuning_playbook.archive.provenance import jobs_of
from tuning_playbook.planning.plan import plan_study, with_proposals

pytestmark = pytest.mark.workflow


def in_rounds(trials, rounds):
    search = {"algorithm": "bayesian", "trials": trials, "rounds": rounds, "initial": 4}
    # The rates at the upper end diverge.
    wide = {"learning_rate": {"log_uniform": [1.0e-3, 1.0e3]}}
    return IN_ONE_JOB | {"search": search, "nuisance": wide}


@in_background
def proposed(workshop):
    """Two rounds of two trials, then a third."""
    project = workshop.new_project("proposed")
    states = []
    for trials, rounds in ((8, 2), (10, 3)):
        project.write_study("small", in_rounds(trials, rounds))
        run = project.snakemake("study_dataset")
        state = {"rules": run.rules, "trained": run.trained("small"), "kept": run.kept("small")}
        dataset = load_dataset(project.results / "small/study.nc")
        states.append(SimpleNamespace(dataset=dataset, **state))
    files = (project.results / "small/rounds").rglob("proposal.json")
    contents = {path: path.read_bytes() for path in files}
    for path in contents:
        path.unlink()
    again = project.snakemake(*(path.relative_to(project.root) for path in contents))
    same = all(path.read_bytes() == content for path, content in contents.items())
    return SimpleNamespace(project=project, states=states, again=again, same=same)


def ids(state):
    return [str(trial) for trial in state.dataset["trial"].to_numpy()]


def test_every_round_is_proposed_and_trained_once(proposed):
    first, _ = proposed.states
    assert first.rules["propose_round"] == first.rules["train_round"] == 2
    assert first.dataset["round"].to_numpy().tolist() == [0] * 4 + [1] * 2 + [2] * 2
    assert first.trained == set(ids(first))
    assert len(set(ids(first))) == 8


def test_trials_that_diverged_inform_the_search(proposed):
    first, _ = proposed.states
    initial = first.dataset["status"].to_numpy()[:4].tolist()
    assert "diverged" in initial
    assert "completed" in initial
    assert first.dataset["status"].to_numpy()[4:].tolist().count("diverged") <= 1


def test_another_round_leaves_the_earlier_ones_and_trains_its_own_trials(proposed):
    first, second = proposed.states
    assert ids(second)[:8] == ids(first)
    assert second.trained == set(ids(second)[8:])
    assert second.rules["propose_round"] == 1
    assert second.dataset["round"].to_numpy().tolist()[8:] == [3, 3]


def test_what_there_is_of_a_search_whose_last_round_failed_is_collected_and_no_more(proposed):
    """The dataset alone: no round is proposed again, nor trained."""
    project = proposed.project
    (pack,) = (project.results / "small/rounds").glob("*-3/0.nc")
    kept = pack.rename(pack.with_name("kept"))
    planned = project.plan("study_dataset", config=["incomplete=report"])
    kept.rename(pack)
    assert planned.rules == {"mark_stage": 1, "collect_study": 1}


def test_proposals_that_were_lost_are_made_again_and_nothing_is_trained(proposed):
    assert proposed.same
    assert not proposed.again.trained("small")


def test_a_proposal_says_what_is_searched_and_what_is_trained(proposed):
    _, second = proposed.states
    (place,) = (proposed.project.results / "small/rounds").glob("*-3/proposal.json")
    proposal = json.loads(place.read_text())
    rates = [entry["learning_rate"] for entry in proposal["searched"]]
    assert rates == second.dataset["hp_learning_rate"].to_numpy()[8:].tolist()
    assert [trial["hyperparameters"]["learning_rate"] for trial in proposal["trials"]] == rates


def test_an_archive_tells_which_job_made_what_of_each_round(proposed, monkeypatch):
    """As Snakemake recorded it; `test_archive` does so for what comes after the dataset."""
    project = proposed.project
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.cache))
    plan, results = plan_study(Path("config/studies/small.yaml")), Path("results/small")
    plan = with_proposals(plan, [results / item.proposal for item in plan.rounds.values()])
    rules = {"train_pack", "propose_round", "train_round", "collect_study"}
    jobs = itertools.takewhile(lambda job: job.rule in rules, jobs_of(plan, results))
    told = {(job.rule, tuple(sorted(job.made)), tuple(sorted(job.of))) for job in jobs}
    assert {rule for rule, *_ in told} == rules
    assert told == recorded_jobs(project, "small")
