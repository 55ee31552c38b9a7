"""SIGKILLs at random moments of whole runs, each of which goes on from the one before it."""

import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil

from tests.workflow.project import HANGS, processes
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.progress import read_progress
from tuning_playbook.trials.resume_states import resume_steps
from tuning_playbook.trials.trial_json import read_trial_json

VICTIMS = ("everything", "everything", "Snakemake alone", "one job")
"""What is killed: a machine fails twice as often as a process."""


@dataclass
class Killed:
    """What was seen of some kills.

    Attributes:
        kills: How many there were, by what was killed.
        during: How many there were by the last rule that had begun.
        lost: Seconds of training that were repeated, one entry for each trial that went on.
        wrong: What should not have happened.
    """

    kills: Counter = field(default_factory=Counter)
    during: Counter = field(default_factory=Counter)
    lost: list = field(default_factory=list)
    wrong: list = field(default_factory=list)


def save_often(project):
    """Have a project save the states of its trials every half second, so that kills meet that."""
    file = project.root / "src/tuning_playbook/jobs/resume.py"
    text = file.read_text()
    assert "RESUME_SECONDS = 40.0" in text
    file.write_text(text.replace("RESUME_SECONDS = 40.0", "RESUME_SECONDS = 0.5"))


def kill_runs(project, study, rng, seen, *, kills, longest):
    """Run a study until it is done, killed some times before that; return the last run.

    Args:
        project: Where it is.
        study: Its name.
        rng: By which moments and victims are drawn.
        seen: What was seen so far, which is added to.
        kills: The most kills.
        longest: The most seconds of processor time that a run has before it is killed.
    """
    folder, settings = project.results / study, ("--config", f"study={study}")
    survivors = []
    for _ in range(kills):
        before = state_of(folder)
        run = project.start(*settings)
        moment, victim = float(rng.uniform(0, longest)), str(rng.choice(VICTIMS))
        if is_running_at(run, moment):
            seen.kills[victim] += 1
            seen.during[stage_of(folder)] += 1
            survivors += kill(run, victim, rng)
        compare(folder, before, seen)
        if run.returncode == 0:
            break
        assert project.run("--unlock", *settings).status == 0
    psutil.wait_procs(survivors, HANGS)
    before = state_of(folder)
    last = project.snakemake(study=study)
    compare(folder, before, seen)
    return last


def is_running_at(run, moment):
    """Wait until a run has taken so many seconds of processor time; whether it still runs then."""
    deadline = time.monotonic() + HANGS
    while run.poll() is None:
        assert time.monotonic() < deadline, "the run hangs"
        if used_by(run) >= moment:
            return True
        time.sleep(0.05)
    return False


def used_by(run):
    """Seconds of processor time that a run and all its processes have taken."""
    total = 0.0
    try:
        for process in processes(run):
            total += sum(process.cpu_times()[:4])  # with those of its children that have ended
    except psutil.NoSuchProcess:  # it ended while it was asked
        return 0.0
    return total


def kill(run, victim, rng):
    """Kill a run, or a part of it; return the processes that outlive it."""
    members = processes(run)
    if victim == "one job" and members[1:]:
        signal_all([members[int(rng.integers(1, len(members)))]])
        run.wait(HANGS)
        return []
    if victim == "Snakemake alone":
        signal_all(members[:1])
        run.wait(HANGS)
        return members[1:]
    os.killpg(run.pid, signal.SIGKILL)
    signal_all(members)
    run.wait(HANGS)
    psutil.wait_procs(members[1:], HANGS)
    return []


def signal_all(members):
    for process in members:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue  # it had just ended


def state_of(folder):
    """What there is of each trial, and the text of each log."""
    trials = {}
    for trial in folder.glob("trials/*"):
        try:
            read_trial_json(trial)
            trials[trial.name] = None
        except ArtefactError:
            steps = resume_steps(trial / "checkpoints")
            trials[trial.name] = (max(steps, default=0), read_progress(trial))
    return trials, {log: log.read_text(errors="replace") for log in training_logs(folder)}


def training_logs(folder):
    return [*folder.glob("logs/train/*.log"), *folder.glob("logs/rerun/*.log")]


def compare(folder, before, seen):
    """Note which trials were trained again that were finished, and what others repeated."""
    trials, logs = before
    for log in training_logs(folder):
        # What a process that outlived its run writes follows on what it had written.
        text = log.read_text(errors="replace").removeprefix(logs.get(log, ""))
        begun = re.findall(r" to train \d+ trials: (.*)", text)
        resumed = dict(re.findall(r"resumed (\w{10}) at step (\d+)", text))
        for trial in {name for line in begun for name in line.split()} & trials.keys():
            if trials[trial] is None:
                seen.wrong.append(f"{trial} was finished, and {log.name} trains it again")
                continue
            step, progress = trials[trial]
            at = int(resumed.get(trial, step))
            if at < step:
                seen.wrong.append(f"{trial} could go on from step {step}, and did from {at}")
            seen.lost.append(repeated(progress, at))


def repeated(progress, step):
    """Seconds of training after a step."""
    until = max((item.seconds for item in progress), default=0.0)
    done = max((item.seconds for item in progress if item.step <= step), default=0.0)
    return until - done


def stage_of(folder):
    """The last stage whose log was begun."""
    logs = folder.rglob("logs/**/*.log")
    newest = max(logs, key=lambda path: path.stat().st_mtime_ns, default=None)
    return newest.relative_to(folder).parts[1].removesuffix(".log") if newest else "none yet"
