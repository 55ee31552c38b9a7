"""What a study costs, and the time that earlier trials let expect."""

import json
from pathlib import Path

import pytest

from tests.specs import plan_of
from tuning_playbook.__main__ import main
from tuning_playbook.planning.budget import budget, read_earlier_trials, total, training_seconds

TWO_ARMS = {"scientific": {"depth": [1, 2]}, "search.trials": 4}  # of 50 steps; two reruns


def finished(results: Path, name: str, **changes):
    """Write what a finished trial of 100 steps leaves behind."""
    trial = {
        "workload": "digits_mlp",
        "batch_size": 32,
        "hyperparameters": {"depth": 1},
        "max_train_steps": 100,
    }
    record = {
        "trial": trial | {key: changes[key] for key in trial if key in changes},
        "status": changes.get("status", "completed"),
        "provenance": {"wall_seconds": changes["seconds"]} if "seconds" in changes else {},
    }
    path = results / "earlier" / "trials" / name / "trial.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record))


def test_trials_reruns_and_steps(tmp_path):
    rows = budget(plan_of(tmp_path, TWO_ARMS))
    assert [(row.arm, row.trials, row.reruns, row.steps) for row in rows] == [
        ("depth=1", 4, 2, 6 * 50),
        ("depth=2", 4, 2, 6 * 50),
    ]
    assert (total(rows).trials, total(rows).reruns, total(rows).steps) == (8, 4, 600)
    assert total(rows).seconds is None


def test_a_baseline_costs_its_reruns(tmp_path):
    (tmp_path / "b.yaml").write_text("workload: digits_mlp\nhyperparameters: {optimizer: sgd}\n")
    rows = budget(plan_of(tmp_path, {"baseline": "b.yaml"}))
    assert [(row.arm, row.trials, row.reruns, row.steps) for row in rows] == [
        ("all trials", 4, 2, 300),
        ("baseline", 0, 2, 100),
    ]


def test_a_warmup_that_extends_a_trial_costs_its_steps(tmp_path):
    changes = {"training.warmup_extends": True, "fixed.warmup_steps": 30}
    (row,) = budget(plan_of(tmp_path, changes))
    assert row.steps == 6 * 100


def test_the_time_is_the_median_of_trials_like_it(tmp_path):
    results = tmp_path / "results"
    for number, seconds in enumerate((1.0, 2.0, 9.0)):
        finished(results, f"depth1-{number}", seconds=seconds)
    finished(results, "depth2", seconds=5.0, hyperparameters={"depth": 2})
    finished(results, "other-batch", seconds=70.0, batch_size=64)
    finished(results, "other-workload", seconds=70.0, workload="mnist5k_cnn")
    finished(results, "diverged-early", seconds=0.1, status="diverged")
    finished(results, "stopped-early", seconds=0.1, status="failed")
    finished(results, "without-a-time")
    (results / "earlier/trials/broken").mkdir()
    (results / "earlier/trials/broken/trial.json").write_text("{")
    rows = budget(plan_of(tmp_path, TWO_ARMS), read_earlier_trials(results))
    assert [row.seconds for row in rows] == pytest.approx([300 * 0.02, 300 * 0.05])
    assert total(rows).seconds == pytest.approx(21.0)


def test_without_a_like_trial_any_of_the_workload_tells(tmp_path):
    finished(tmp_path / "results", "depth3", seconds=4.0, hyperparameters={"depth": 3})
    rows = budget(plan_of(tmp_path, TWO_ARMS), read_earlier_trials(tmp_path / "results"))
    assert [row.seconds for row in rows] == pytest.approx([12.0, 12.0])


def test_the_time_of_a_training_in_each_arm_and_of_the_baseline(tmp_path):
    (tmp_path / "b.yaml").write_text("workload: digits_mlp\nhyperparameters: {optimizer: sgd}\n")
    plan = plan_of(tmp_path, TWO_ARMS | {"baseline": "b.yaml"})
    unknown = {"depth=1": None, "depth=2": None, "baseline": None}
    assert training_seconds(plan, ()) == unknown
    finished(tmp_path / "results", "depth1", seconds=2.0)
    finished(tmp_path / "results", "depth2", seconds=4.0, hyperparameters={"depth": 2})
    times = training_seconds(plan, read_earlier_trials(tmp_path / "results"))
    assert times == pytest.approx({"depth=1": 1.0, "depth=2": 2.0, "baseline": 1.5})


def test_a_check_says_the_time_and_its_range(tmp_path, capsys):
    plan = plan_of(tmp_path, TWO_ARMS)
    for number in range(3):
        finished(tmp_path / "results", f"t{number}", seconds=120.0)
    assert main(["check", str(plan.study.path), "--results", str(tmp_path / "results")]) == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "9 of 10 cases" in line]
    # Twelve trainings of a minute; one other study tells, so it may be half or twice that.
    assert said == (
        "  in 9 of 10 cases 5 min 56 s to 24 min 15 s in all, one job at a time; known from 3 "
        "trained trials of the workload"
    )


def test_a_budget_of_time_is_planned_by_what_earlier_trials_took(tmp_path, capsys):
    plan = plan_of(tmp_path, TWO_ARMS)
    finished(tmp_path / "results", "t", seconds=120.0)
    arguments = ["check", str(plan.study.path), "--results", str(tmp_path / "results")]
    assert main([*arguments, "--budget", "30min"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["in", "all", "20", "10", "30", "min", "0", "s"] in rows
    assert ["left", "over", "0.0", "s"] in rows


def test_check_prints_the_budget_and_the_advice(tmp_path, capsys):
    plan = plan_of(tmp_path, TWO_ARMS)
    arguments = ["check", str(plan.study.path), "--results", str(tmp_path / "results")]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    assert "expected time" not in plain
    assert "  in all        8       4    600" in plain.splitlines()
    assert "advice: Fewer than 10 trials in depth=1 (4); depth=2 (4)." in plain
    finished(tmp_path / "results", "t", seconds=4.0)
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  in all        8       4    600         24.0 s" in lines
