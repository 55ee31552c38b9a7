"""Commands on a study that takes from an earlier one: they go by the results that are there."""

import json
import os
import statistics

import pytest

from tests.analysis.synthetic import make_reruns, make_study
from tests.specs import REMOVED, changed, write_spec
from tuning_playbook.__main__ import main
from tuning_playbook.analysis.best_result import best_results
from tuning_playbook.planning.settle import settle_study

TAKEN = {"nuisance": {"dropout": {"uniform": [0, 0.5]}}, "fixed.learning_rate": {"from": "first"}}


@pytest.fixture
def second(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_spec(tmp_path / "first.yaml", changed({}))
    return write_spec(tmp_path / "second.yaml", changed(TAKEN))


def train_first(folder, seed):
    """Leave a dataset as if the first study had been trained; return its best result."""
    study = make_study(seed=seed).assign_attrs(study="first", workload="digits_mlp")
    study["fingerprint"] = ("trial", study["trial"].values)
    place = folder / "results" / "first"
    place.mkdir(parents=True, exist_ok=True)
    study.to_netcdf(place / "study.nc")
    results = best_results({("first", ""): "first"}, {"first": place})
    return results, results["first", ""].values["learning_rate"]


def rates(capsys, second):
    assert main(["expand", str(second)]) == 0
    lines = capsys.readouterr().out.splitlines()
    return {json.loads(line)["hyperparameters"]["learning_rate"] for line in lines}


def test_before_the_earlier_study_has_a_result_its_trials_stand_in(second, capsys):
    assert main(["check", str(second)]) == 0
    said = capsys.readouterr().out
    assert "the results of first are not known yet; a trial of theirs" in said
    assert "fixed.learning_rate comes from first, whose result is not known yet" in said
    assert "fixed.learning_rate is" not in said
    assert main(["expand", str(second)]) == 1
    assert "takes values from first, and their results are not in" in capsys.readouterr().err


def test_a_result_that_is_there_is_taken(second, capsys, tmp_path):
    _, rate = train_first(tmp_path, seed=0)
    assert main(["check", str(second)]) == 0
    assert f"fixed.learning_rate is {rate}, from first: " in capsys.readouterr().out
    assert rates(capsys, second) == {rate}


def test_what_snakemake_settled_stands_until_the_spec_is_edited(second, capsys, tmp_path):
    results, settled = train_first(tmp_path, seed=0)
    settle_study(second, results, tmp_path / "results" / "second" / "settled.yaml")
    _, newer = train_first(tmp_path, seed=1)
    assert settled != newer
    assert rates(capsys, second) == {settled}
    write_spec(second, changed(TAKEN | {"goal": "In other words?"}))
    assert rates(capsys, second) == {newer}


def test_a_check_shows_what_the_results_hold_now_and_not_what_was_settled(second, capsys, tmp_path):
    results, _ = train_first(tmp_path, seed=0)
    settled = tmp_path / "results" / "second" / "settled.yaml"
    settle_study(second, results, settled)
    _, newer = train_first(tmp_path, seed=1)
    os.utime(settled, ns=(0, 0))
    assert main(["check", str(second)]) == 0
    assert f"fixed.learning_rate is {newer}, from first: " in capsys.readouterr().out


def test_a_procedure_is_checked_as_it_is_after_an_edit(second, capsys, tmp_path):
    """Its settled spec is of the text before the edit, and no run of Snakemake is needed first."""
    takes = TAKEN | {"nuisance": REMOVED, "search": REMOVED, "procedure": {"name": "stability"}}
    write_spec(second, changed(takes))
    results, rate = train_first(tmp_path, seed=0)
    assert main(["check", str(second)]) == 0
    as_planned = capsys.readouterr().out
    settle_study(second, results, tmp_path / "results" / "second" / "settled.yaml")
    write_spec(second, changed(takes | {"training.max_train_steps": 75}))
    assert main(["check", str(second)]) == 0
    edited = capsys.readouterr().out
    for said in (as_planned, edited):
        assert "rounds and" in said
        assert f"fixed.learning_rate is {rate}, from first: " in said
    assert edited != as_planned
    assert rates(capsys, second)


def test_a_check_says_that_an_earlier_study_runs_again(second, capsys, tmp_path):
    train_first(tmp_path, seed=0)
    current = tmp_path / "results" / "first" / "current"
    current.mkdir()
    (current / "study-0123456789").touch()
    assert main(["check", str(second)]) == 0
    assert "(first changed since then, and runs again)" in capsys.readouterr().out


def test_a_check_takes_the_trial_variance_that_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_spec(tmp_path / "first.yaml", changed({"reruns.seeds": 5}))
    known = {"reruns": {"seeds": 1, "variance": {"from": "first"}}}
    second = write_spec(tmp_path / "second.yaml", changed(known))
    train_first(tmp_path, seed=0)
    assert main(["check", str(second)]) == 0
    assert "reruns.variance comes from first, whose result" in capsys.readouterr().out
    study = make_study(arms=["all trials"])
    objectives = [0.10, 0.11, 0.12, 0.13, 0.14]
    reruns = make_reruns(study, {"all trials": objectives})
    reruns.to_netcdf(tmp_path / "results" / "first" / "reruns.nc")
    assert main(["check", str(second)]) == 0
    said = f"standard deviation {statistics.stdev(objectives):.3g}, from first: "
    assert said in capsys.readouterr().out
