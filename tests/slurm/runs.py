"""The runs on the cluster that the tests look at; each joins several claims, to save time."""

import functools
import json
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import xarray as xr

from tests.workflow import project as projects
from tests.workflow.project import HANGS, environment, trains_pack

wait_until = functools.partial(projects.wait_until, pause=0.3)
"""Whoever asks Slurm starts a program each time, and takes from what is waited for."""

SHORT = (
    *("--slurm-init-seconds-before-status-checks", 4, "--latency-wait", 15),
    "--slurm-keep-successful-logs",
)
"""Instead of the profile's: these jobs take seconds, and the file system is a local one."""

LISTED = [{"learning_rate": round(0.001 * 1.15**number, 6)} for number in range(32)]

PACKED = {
    "training": {"max_train_steps": 20, "batch_size": 32, "eval_every": 10},
    "nuisance": {},
    "search": {"algorithm": "list", "trials": LISTED},
    "resources": {"trials_per_job": 8},
}

GREEDY = {
    "workload": "hungry:Hungry",
    "objective": {"metric": "validation/loss", "mode": "min"},
    "nuisance": {},
    "fixed": {"optimizer": "momentum"},
    "search": {
        "algorithm": "list",
        "trials": [
            {"learning_rate": 0.01, "takes": "memory"},
            {"learning_rate": 0.02, "takes": "nothing"},
            {"learning_rate": 0.03, "takes": "nothing"},
        ],
    },
    "reruns": {"seeds": 1},
    "resources": {"memory_mb": 1500},
}

SLOW = {
    "search": {"algorithm": "list", "trials": [{"learning_rate": 0.01, "takes": "time"}]},
    "resources": {"memory_mb": 1500, "runtime_minutes": 1},
}

HALF = 40_000
"""Megabytes: more than half of what the node has, so that one job of them ends another."""

PREEMPTED = {
    "training": {"max_train_steps": 100_000, "batch_size": 32, "eval_every": 400},
    "nuisance": {},
    "search": {"algorithm": "list", "trials": [{"learning_rate": 0.01}]},
    "resources": {"memory_mb": HALF},
}

LONG = {"training": {"max_train_steps": 100_000, "batch_size": 32, "eval_every": 400}}


class Job(NamedTuple):
    """A job as the accounting has it."""

    id: str
    state: str
    allocated: str
    comment: str


def slurm(project, *arguments):
    """Run Snakemake with the profile, to its end."""
    return project.run("--profile", "slurm", *SHORT, *arguments)


def submitted(cluster, study, rule="train_pack"):
    """The jobs of a rule that were ever submitted for a study, as the accounting has them."""
    rows = cluster.call("sacct", "-X", "-n", "-P", "--format=JobIDRaw,State,AllocTRES,Comment")
    jobs = [Job(*row.split("|")) for row in rows.splitlines()]
    return [job for job in jobs if job.comment.startswith(f"rule_{rule}_wildcards_{study}")]


def known(cluster, study):
    """How many training jobs of a study there are or were; their comments come when they end."""
    queued = [line.split("|") for line in cluster.call("squeue", "-h", "-o", "%A|%k").splitlines()]
    of_study = {job for job, comment in queued if f"train_pack_wildcards_{study}_" in comment}
    return len(of_study | {job.id for job in submitted(cluster, study)})


def packed(project, cluster):
    """32 trials in jobs of eight, from nothing to the report; then one of them is another."""
    project.write_study("packed", PACKED)
    first = slurm(project, "--set-resources", "collect_study:gpu=1", "--config", "study=packed")
    jobs = submitted(cluster, "packed")
    files = {path.name for path in (project.results / "packed").iterdir()}
    before = set(project.trials("packed"))
    LISTED[5]["learning_rate"] = 0.5
    project.write_study("packed", PACKED)
    second = slurm(project, "study_dataset", "--config", "study=packed")
    return SimpleNamespace(
        first=first,
        files=files,
        jobs=jobs,
        collecting=submitted(cluster, "packed", "collect_study")[0],
        second=second,
        jobs_since=submitted(cluster, "packed")[len(jobs) :],
        trained=second.trained("packed"),
        added=set(project.trials("packed")) - before,
    )


def greedy(project, cluster):
    """Of four trials one takes too much memory and one too much time; what is there is used."""
    project.write_study("greedy", GREEDY)
    project.write_study("slow", GREEDY | SLOW)
    shutil.copy(Path(__file__).parent / "hungry.py", project.root / "config/studies")
    studies = "studies=[greedy,slow]"
    run = slurm(project, "--retries", 0, "study_dataset", "--config", studies)
    expand = f"PYTHONPATH=src {sys.executable} -m tuning_playbook expand"
    expanded = project.shell(f"{expand} greedy && {expand} slow")
    trials = [json.loads(line) for line in expanded.output.splitlines()]
    project.snakemake("results/greedy/launch.json", study="greedy", config=["incomplete=report"])
    folder = project.results / "greedy"
    return SimpleNamespace(
        run=run,
        trials={trial["searched"]["takes"]: trial["id"] for trial in trials},
        study=xr.load_dataset(folder / "study.nc"),
        launch=json.loads((folder / "launch.json").read_text()),
    )


def disturbed(project, cluster):
    """Four jobs that all meet with something, and the same trials trained in peace."""
    project.write_study("long", LONG)
    arguments = ("study_dataset", "--config", "study=long")
    folder = project.results / "long"

    def record(trial):
        return folder / f"trials/{trial}/trial.json"

    with ExitStack() as stack:
        first = stack.enter_context(running(project, *arguments))
        held = wait_until(lambda: all_held(cluster, "long", 4), of=first)
        refused = slurm(project, *arguments)
        told, requeued, *others = held
        logs = {trial: folder / f"logs/train/{trial}.log" for trial in (told, requeued)}
        with drained(cluster):
            cluster.call("scancel", "--signal=TERM", held[told].environ()["SLURM_JOB_ID"])
            cluster.call("scontrol", "requeue", held[requeued].environ()["SLURM_JOB_ID"])
            for process in held.values():
                process.resume()
            for log in logs.values():
                wait_until(lambda log=log: said(log, "stopped after step"), of=first)
            # The one that failed, again.
            wait_until(lambda: known(cluster, "long") == 5, of=first)
            first.kill()
            first.wait()
            wait_until(lambda: cluster.state() == "drained")
            before = [record(trial).stat().st_mtime_ns for trial in others]
            slurm(project, "--unlock", *arguments)
            second = stack.enter_context(running(project, *arguments))
            # Both, although they are in the queue.
            wait_until(lambda: known(cluster, "long") == 7, of=second)
        status = second.wait(HANGS)
    wait_until(lambda: "_long_" not in cluster.call("squeue", "-h", "-o", "%k"))
    return SimpleNamespace(
        refused=refused,
        others=others,
        before=before,
        after=[record(trial).stat().st_mtime_ns for trial in others],
        resumed={
            trial: json.loads(record(trial).read_text())["provenance"]["resumed_at"]
            for trial in (told, requeued)
        },
        status=status,
        trials=project.trials("long"),
        packs=read_packs(folder),
        undisturbed=read_packs(train_in_peace(project, "long")),
    )


def preempted(project, cluster):
    """A training job that Slurm preempts, with a grace period, for a job of more weight."""
    project.write_study("preempted", PREEMPTED)
    spare = ("--set-resources", "train_pack:slurm_partition=spare")
    with running(project, "study_dataset", *spare, "--config", "study=preempted") as snakemake:
        (trial,) = wait_until(lambda: all_held(cluster, "preempted", 1), of=snakemake)
        # Before it tells a job to end Slurm lets it go on.
        options = ("--partition=normal", f"--mem={HALF}", "--output=/dev/null")
        urgent = cluster.call("sbatch", "--parsable", *options, "--wrap", "sleep 1")
        status = snakemake.wait(HANGS)
    record = project.results / f"preempted/trials/{trial}/trial.json"
    return SimpleNamespace(
        status=status,
        urgent=cluster.call("sacct", "-X", "-n", "-P", "-j", urgent, "--format=State"),
        resumed_at=json.loads(record.read_text())["provenance"]["resumed_at"],
        packs=read_packs(project.results / "preempted"),
        undisturbed=read_packs(train_in_peace(project, "preempted")),
    )


@contextmanager
def drained(cluster):
    """Let no job begin meanwhile."""
    cluster.call("scontrol", "update", "NodeName=node", "State=DRAIN", "Reason=test")
    try:
        yield
    finally:
        cluster.call("scontrol", "update", "NodeName=node", "State=RESUME")


@contextmanager
def running(project, *arguments):
    """Give a Snakemake with the profile, which is killed if it has not ended by then."""
    snakemake = subprocess.Popen(
        project.command("--profile", "slurm", *SHORT, *arguments),
        cwd=project.root,
        env=environment(project.cache),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield snakemake
    finally:
        snakemake.kill()
        snakemake.wait()


def said(log, what):
    """Whether a log has a line like that; Snakemake removes it when its job begins again."""
    return log.exists() and re.search(what, log.read_text()) is not None


def all_held(cluster, study, count):
    """The processes of a study by their trials, once that many train; each is stopped there.

    So they meet with what comes next at any speed of the machine.
    """
    held = training(cluster, study)
    for process in held.values():
        process.suspend()
    return held if len(held) == count else None


def training(cluster, study):
    """The processes of a study by their trials, as far as they would save their states if told."""
    listed = [row.split("|") for row in cluster.call("squeue", "-h", "-o", "%A|%k").splitlines()]
    trials = {job: comment[-10:] for job, comment in listed if f"_{study}_" in comment}
    ready = {}
    for process in cluster.processes():
        try:
            job = process.environ().get("SLURM_JOB_ID")
            if job in trials and trains_pack(process) and catches_sigterm(process.pid):
                ready[trials[job]] = process
        except psutil.Error:
            continue
    return ready


def catches_sigterm(pid):
    """Whether a process has a handler for SIGTERM."""
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def train_in_peace(project, study):
    """Train a study in one process; return its folder."""
    folder = project.root / "peace"
    code = f"""
from pathlib import Path
from tuning_playbook.planning.plan import plan_study, request_of
from tuning_playbook.jobs.pack import train_pack
plan, folder = plan_study(Path("config/studies/{study}.yaml")), Path({str(folder)!r})
for pack in plan.packs.values():
    train_pack(request_of(plan, pack.trials), folder, folder / f"packs/{{pack.id}}.nc", threads=1)
"""
    done = project.call(["env", "PYTHONPATH=src", sys.executable, "-c", code])
    assert done.status == 0, done.text
    return folder


def read_packs(folder):
    return {path.stem: path.read_bytes() for path in (folder / "packs").iterdir()}


RUNS = {"disturbed": disturbed, "preempted": preempted, "packed": packed, "greedy": greedy}
