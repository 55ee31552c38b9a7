"""A job that is killed at random moments: its script goes on, or begins again, in its folder."""

import itertools
import random
import subprocess
import sys
import time

from tests.commands import plan_of, short
from tuning_playbook.jobs.pack import train_pack
from tuning_playbook.planning.plan import request_of

KILLS = 5

STEPS = 100

SAVES_EVERY = 10

PLACES = ("begun", "half a line", "measured", "saved")

SCRIPT = """\
import os, time
folder = rest[-1]


def read(name):
    return open(folder + "/" + name).read() if os.path.exists(folder + "/" + name) else ""


moment = read("moment")


def here(step, place):
    if moment == "%d %s" % (step, place):
        open(folder + "/reached", "w").close()
        time.sleep(1000)


begin = int(read("state") or 0) if SAVES_EVERY else 0
if begin == 0:
    tell('{"step": 0, "error": 1.0}')
value = float(rest[0])
for step in range(1, 101):
    value = (value * 1103.0 + 0.7) % 1.0
    if step <= begin:
        continue
    open(folder + "/trained", "a").write("%d\\n" % step)
    here(step, "begun")
    tell('{"step": %d,' % step, end="")
    here(step, "half a line")
    tell(' "error": %r}' % value)
    here(step, "measured")
    if SAVES_EVERY and step % SAVES_EVERY == 0:
        open(folder + "/state.new", "w").write(str(step))
        os.rename(folder + "/state.new", folder + "/state")
    here(step, "saved")
"""
"""It stands still at the moment at which it is to be killed, so that no kill comes too late."""


def kill_at(folder, script, moment):
    """Start the job of a study's one trial, and kill it when its script has reached a moment."""
    script.mkdir(parents=True, exist_ok=True)
    (script / "moment").write_text(moment)
    command = [sys.executable, "-m", "tuning_playbook", "train", str(folder / "own.yaml")]
    command += ["--results", str(folder / "results")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as job:
        while not (script / "reached").exists():
            assert job.poll() is None, "the job ended before it was killed"
            time.sleep(0.01)
        job.kill()
    (script / "reached").unlink()
    (script / "moment").unlink()


def train_disturbed(folder, saves_every, steps):
    """Train one trial whose job is killed after some steps, and once in peace.

    Returns its record, the steps that its script trained, and the record of the other.
    """
    script, own = short(SCRIPT.replace("SAVES_EVERY", str(saves_every)))
    plan = plan_of(folder, {"search.trials": 1}, script, own)
    trial = plan.trials[0].trial
    place = folder / "results/own/trials" / trial.id / "script"
    draws = random.Random(0)
    for step in steps:
        kill_at(folder, place, f"{step} {draws.choice(PLACES)}")
    request = request_of(plan, [trial])
    (record,) = train_pack(request, folder / "results/own").values()
    (undisturbed,) = train_pack(request, folder / "undisturbed").values()
    starts = (place.parent / "starts.jsonl").read_text().splitlines()
    assert len(starts) == len(steps) + 1
    assert record.status == "completed"
    trained = [int(step) for step in (place / "trained").read_text().split()]
    return record, trained, undisturbed


def test_a_script_that_resumes_trains_nothing_twice_beyond_its_checkpoint(tmp_path):
    draws = random.Random(1)
    part = STEPS // KILLS
    steps = [n * part + draws.randint(1, part) for n in range(KILLS)]
    record, trained, undisturbed = train_disturbed(tmp_path, SAVES_EVERY, steps)
    assert record.sha256 == undisturbed.sha256
    assert sorted(set(trained)) == list(range(1, STEPS + 1))
    for before, step in itertools.pairwise(trained):
        # A kill between the last measurement of a part and its checkpoint repeats the part.
        assert 0 <= before + 1 - step <= SAVES_EVERY
        assert step == before + 1 or step % SAVES_EVERY == 1


def test_a_script_that_does_not_resume_gives_the_numbers_of_an_undisturbed_run(tmp_path):
    draws = random.Random(2)
    steps = [draws.randint(1, STEPS) for _ in range(KILLS)]
    record, trained, undisturbed = train_disturbed(tmp_path, 0, steps)
    assert record.sha256 == undisturbed.sha256
    assert trained.count(1) == KILLS + 1
