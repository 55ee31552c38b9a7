"""A job killed at any moment, started again, ends with the bits of an undisturbed one."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.specs import plan_of
from tuning_playbook.dataset.pack import write_pack
from tuning_playbook.search.plan import pack_json
from tuning_playbook.training.pack import request_from_json, train_pack

CHANGES = {
    "training.max_train_steps": 2000,
    "resources.trials_per_job": 8,
    "search.trials": 8,
}
HANGS = 600
"""Seconds after which nothing is expected to happen any more, on however slow a machine."""

JOB = """
import logging, sys
from pathlib import Path
from tuning_playbook.training import run
from tuning_playbook.training.pack import request_from_json, train_pack
run.RESUME_SECONDS = 0.05
train_pack(request_from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), threads=1)
"""


def pack_bytes(request, folder):
    write_pack(folder / "pack.nc", train_pack(request, folder, threads=1))
    return (folder / "pack.nc").read_bytes()


def states(folder):
    return set(folder.glob("trials/*/checkpoints/resume_*"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    plan = plan_of(folder, CHANGES)
    text = pack_json(plan, next(iter(plan.packs.values())))
    return text, pack_bytes(request_from_json(text), folder)


@pytest.mark.parametrize(("number", "times"), [(signal.SIGKILL, 20), (signal.SIGTERM, 3)])
def test_a_killed_job_goes_on_where_it_was(undisturbed, tmp_path, number, times):
    """States are saved all the time here, so many of the moments lie within a save."""
    text, expected = undisturbed
    (tmp_path / "request.json").write_text(text)
    command = [sys.executable, "-c", JOB, str(tmp_path / "request.json"), str(tmp_path)]
    moments = random.Random(0)
    for _ in range(times):
        before = states(tmp_path)
        job = subprocess.Popen(
            command, env=os.environ | {"PYTHONWARNINGS": "ignore"}, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + HANGS
        while states(tmp_path) == before and job.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.3))
        job.send_signal(number)
        assert job.wait(timeout=HANGS) != 0
    assert pack_bytes(request_from_json(text), tmp_path) == expected
    assert not states(tmp_path)
