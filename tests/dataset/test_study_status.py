"""How far a study is, told by files that the tests write."""

import json
import math
import subprocess
import sys

import pytest

from tests.specs import plan_of, write_spec
from tests.trials.records import record_of
from tuning_playbook.dataset.reruns import CHOICE
from tuning_playbook.dataset.study_status import SET_BACK_CHOICE, study_status
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.trials.claims import CLAIMS
from tuning_playbook.trials.progress import Evaluation, append_progress
from tuning_playbook.trials.trial_files import trial_folder, write_trial

HOLD = """
import fcntl, sys
with open(sys.argv[1], "a+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX, 1, int(sys.argv[2], 16))
    print("claimed", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def plan(tmp_path):
    return plan_of(tmp_path, {"training.max_train_steps": 100})


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "small"


@pytest.fixture
def trials(plan):
    return [item.trial for item in plan.trials]


@pytest.fixture
def hold(folder):
    """Claim a trial in another process, as a training job does."""
    processes = []

    def hold(trial):
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-c", HOLD, folder / CLAIMS, trial.id]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "claimed\n"

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def progress(folder, trial, errors, pace=1.0):
    place = trial_folder(folder, trial)
    place.mkdir(parents=True, exist_ok=True)
    for number, error in enumerate(errors):
        metrics = {"validation/error_rate": error}
        append_progress(place, Evaluation(25 * number, metrics, 25 * number * pace))


def finish(folder, trial, errors=(0.9, 0.5, 0.4, 0.3, 0.2), *, status="completed", seconds=10.0):
    provenance = {"wall_seconds": seconds}
    record = record_of(trial, list(errors), status=status)
    write_trial(folder, trial, record, kept_steps=[], provenance=provenance)


def states(status, part="search"):
    return [item.state for item in status.part(part)]


def test_nothing_is_there_of_a_study_that_never_ran(plan, tmp_path):
    status = study_status(plan, tmp_path)
    assert states(status) == ["to come"] * 4
    assert states(status, "reruns") == ["to come"] * 2
    assert status.best is None
    assert status.seconds_left is None, "no trial tells how long one takes"


def test_each_state_is_told_by_what_the_trial_left(plan, tmp_path, folder, trials, hold):
    finish(folder, trials[0])
    finish(folder, trials[1], status="diverged")
    progress(folder, trials[2], [0.9, 0.5])
    progress(folder, trials[3], [0.9, 0.6])
    hold(trials[2])
    status = study_status(plan, tmp_path)
    assert states(status) == ["done", "infeasible", "running", "stopped"]
    (running,) = status.running
    assert (running.id, running.step, running.last_step) == (trials[2].id, 25, 100)
    assert (running.value, running.best, running.best_step) == (0.5, 0.5, 25)


def test_a_failed_trial_is_one_to_train_again(plan, tmp_path, folder, trials):
    finish(folder, trials[0], status="failed")
    status = study_status(plan, tmp_path)
    assert states(status)[0] == "failed"
    assert trials[0].id in {item.id for item in status.left}


def test_a_trial_of_another_fingerprint_is_still_to_come(plan, tmp_path, folder, trials):
    finish(folder, trials[0])
    record = trial_folder(folder, trials[0]) / "trial.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps(content | {"fingerprint": "another"}))
    assert states(study_status(plan, tmp_path))[0] == "to come"


def test_the_best_is_that_of_the_feasible_trials_also_while_they_train(
    plan, tmp_path, folder, trials, hold
):
    finish(folder, trials[0])  # 0.2, and no file of progress is there any more
    progress(folder, trials[1], [0.9, 0.01])
    finish(folder, trials[1], (0.9, 0.01, math.nan, math.nan, math.nan), status="diverged")
    best = study_status(plan, tmp_path).best
    assert (best.id, best.best, best.best_step) == (trials[0].id, pytest.approx(0.2), 100)
    progress(folder, trials[2], [0.9, 0.1, 0.3])
    hold(trials[2])
    best = study_status(plan, tmp_path).best
    assert (best.id, best.best, best.best_step) == (trials[2].id, 0.1, 25)


def test_best_is_largest_where_more_is_better(tmp_path):
    maximum = {"objective": {"metric": "validation/error_rate", "mode": "max"}}
    plan = plan_of(tmp_path, maximum | {"training.max_train_steps": 100})
    progress(tmp_path / "small", plan.trials[0].trial, [0.9, 0.5])
    progress(tmp_path / "small", plan.trials[1].trial, [0.8, 0.7])
    best = study_status(plan, tmp_path).best
    assert (best.id, best.best) == (plan.trials[0].trial.id, 0.9)


def test_the_time_left_follows_from_the_trials_that_are_done(plan, tmp_path, folder, trials, hold):
    for trial in trials[:2]:
        finish(folder, trial, seconds=10.0)
    assert study_status(plan, tmp_path).seconds_left == pytest.approx((2 + 2) * 10.0)
    progress(folder, trials[2], [0.9, 0.5, 0.4, 0.3], pace=0.2)
    hold(trials[2])  # 25 of 100 steps are left, at its own pace of 0.2 s
    assert study_status(plan, tmp_path).seconds_left == pytest.approx(5.0 + 3 * 10.0)


def test_jobs_side_by_side_share_what_is_left(plan, tmp_path, folder, trials, hold):
    for trial in trials[:2]:
        progress(folder, trial, [0.9, 0.5, 0.4], pace=0.2)
        hold(trial)
    for trial in trials[2:]:
        finish(folder, trial, seconds=20.0)
    status = study_status(plan, tmp_path)
    assert status.jobs == 2
    assert status.seconds_left == pytest.approx((10.0 + 10.0 + 2 * 20.0) / 2)


def test_reruns_are_known_by_the_choice_while_it_is_up_to_date(plan, tmp_path, folder, trials):
    stamp = StudyFiles(plan, str(folder)).stamp("reruns")
    chosen = {"arms": {"all trials": {"trials": [trial.to_json() for trial in trials[:2]]}}}
    (folder / "reruns").mkdir(parents=True)
    (folder / CHOICE).write_text(json.dumps(chosen))
    finish(folder, trials[0])
    assert states(study_status(plan, tmp_path), "reruns") == ["to come"] * 2
    (folder / "current").mkdir()
    (tmp_path / stamp).touch()
    (folder / CHOICE).write_text(json.dumps(chosen))
    assert states(study_status(plan, tmp_path), "reruns") == ["done", "to come"]


def test_changes_that_are_set_back_count_at_most_until_they_are_known(tmp_path):
    incumbent = {"workload": "digits_mlp", "hyperparameters": {"optimizer": "sgd"}}
    baseline = write_spec(tmp_path / "base.yaml", incumbent | {"batch_size": 32})
    longer = {"training.max_train_steps": 100}
    changes = longer | {"reruns.back": 2, "baseline": str(baseline)}
    plan = plan_of(tmp_path, changes)
    folder = tmp_path / "small"
    before = study_status(plan, tmp_path)
    assert set(states(before, "set back")) == {"to come"}
    assert len(before.part("set back")) % 2 == 0
    trials = [item.trial.to_json() for item in plan.trials[:2]]
    (folder / "set_back").mkdir(parents=True)
    (folder / "current").mkdir()
    (tmp_path / StudyFiles(plan, str(folder)).stamp("set_back")).touch()
    (folder / SET_BACK_CHOICE).write_text(json.dumps({"changes": [{"trials": trials}]}))
    finish(folder, plan.trials[0].trial)
    assert states(study_status(plan, tmp_path), "set back") == ["done", "to come"]


def test_rounds_and_repeats_that_are_to_come_count(tmp_path):
    bayesian = {"search": {"algorithm": "bayesian", "trials": 8, "rounds": 2, "initial": 4}}
    assert len(study_status(plan_of(tmp_path, bayesian), tmp_path).part("search")) == 8
    repeated = study_status(plan_of(tmp_path, {"replicates": 2}), tmp_path)
    assert states(repeated, "repeats") == ["to come"] * 8
