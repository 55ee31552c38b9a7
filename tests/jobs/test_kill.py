"""A job killed at any moment, started again, ends with the bits of an undisturbed one."""

import multiprocessing
import random
import shutil
import time
from pathlib import Path

import pytest

from tests.specs import plan_of
from tuning_playbook.jobs import resume
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of

CHANGES = {
    "training.max_train_steps": 2000,
    "resources.trials_per_job": 8,
    "search.trials": 8,
}
HANGS = 600
"""Seconds after which nothing is expected to happen any more, on however slow a machine."""

# Each job is a process of its own, forked from one that has imported what training needs.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__, "tuning_playbook.jobs.groups", "orbax.checkpoint"])


def train(request, folder):
    """What a job does, with its state saved all the time."""
    resume.RESUME_SECONDS = 0.05
    train_pack(request, Path(folder), threads=1)


def pack_bytes(request, folder):
    output = folder / "packs/pack.nc"
    train_pack(request, folder, output, threads=1)
    return output.read_bytes()


def states(folder):
    return set(folder.glob("trials/*/checkpoints/resume_*"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    plan = plan_of(folder, CHANGES)
    (pack,) = plan.packs.values()
    request = request_of(plan, pack.trials)
    return request, pack_bytes(request, folder)


def finish(request, folder, expected):
    """Go on to the end, and look at what is left."""
    assert pack_bytes(request, folder) == expected
    assert not states(folder)


@pytest.mark.parametrize(
    ("stop", "times"), [(multiprocessing.Process.kill, 20), (multiprocessing.Process.terminate, 3)]
)
def test_a_killed_job_goes_on_where_it_was(undisturbed, tmp_path, stop, times):
    """Many of the moments lie within a save. A pack that ends before the last is begun again."""
    request, expected = undisturbed
    moments = random.Random(0)
    while times:
        before = states(tmp_path)
        job = PROCESSES.Process(target=train, args=(request, str(tmp_path)))
        job.start()
        deadline = time.monotonic() + HANGS
        while states(tmp_path) == before and job.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.3))
        stop(job)
        job.join(HANGS)
        assert not job.is_alive()
        if job.exitcode:
            times -= 1
        else:
            finish(request, tmp_path, expected)
            shutil.rmtree(tmp_path / "trials")
    finish(request, tmp_path, expected)
