"""What `make kills` sees of a run that was killed: what was lost, and what was trained twice."""

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.faults import kills
from tests.planning.test_set_aside import RECORD
from tuning_playbook.trials.progress import Evaluation, append_progress
from tuning_playbook.trials.trial_json import write_trial_json

FINISHED, HALF = "0123456789", "abcdefabcd"


@pytest.fixture
def folder(tmp_path):
    """A study with a finished trial, and one that can go on from step 200 of 300."""
    write_trial_json(tmp_path / "trials" / FINISHED, RECORD)
    half = tmp_path / "trials" / HALF
    for place in (half / "checkpoints", tmp_path / "logs/train"):
        place.mkdir(parents=True)
    (half / "checkpoints/resume_200.sha256").touch()
    for step in (100, 200, 300):
        append_progress(half, Evaluation(step, {}, step / 10))
    (tmp_path / "logs/train/pack.log").write_text(f"INFO to train 1 trials: {FINISHED}\n")
    return tmp_path


def seen_of(folder, said):
    seen, before = kills.Killed(), kills.state_of(folder)
    with (folder / "logs/train/pack.log").open("a") as log:
        log.write(said)
    kills.compare(folder, before, seen)
    return seen


def test_what_an_earlier_run_said_is_not_of_this_one(folder):
    assert seen_of(folder, "") == kills.Killed()


def test_a_trial_that_goes_on_repeats_what_was_not_saved(folder):
    said = f"INFO to train 1 trials: {HALF}\nINFO resumed {HALF} at step 200\n"
    assert seen_of(folder, said) == kills.Killed(lost=[10.0])


def test_a_finished_trial_that_is_trained_again_is_wrong(folder):
    (wrong,) = seen_of(folder, f"INFO to train 2 trials: {FINISHED} {HALF}\n").wrong
    assert wrong == f"{FINISHED} was finished, and pack.log trains it again"


def test_a_saved_state_that_is_not_gone_on_from_is_wrong(folder):
    said = f"INFO to train 1 trials: {HALF}\nINFO resumed {HALF} at step 100\n"
    seen = seen_of(folder, said)
    assert seen.wrong == [f"{HALF} could go on from step 200, and did from 100"]
    assert seen.lost == [20.0]


CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


@pytest.mark.parametrize("victim", ["everything", "Snakemake alone"])
def test_what_is_killed_is_dead_and_what_outlives_it_is_known(victim):
    run = subprocess.Popen([sys.executable, "-c", CHILD], start_new_session=True)
    try:
        assert kills.is_running_at(run, 1.0)  # so there is the child, which takes the time
        survivors = kills.kill(run, victim, rng=None)
        assert run.returncode == -9
        assert len(survivors) == (victim == "Snakemake alone")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    assert psutil.wait_procs(survivors, kills.HANGS)[1] == []
