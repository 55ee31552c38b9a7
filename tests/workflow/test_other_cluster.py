"""The profile for other schedulers than Slurm, with commands that stand in for those of PBS.

Its jobs are held when they begin to train, so that what happens to them happens at any speed.
"""

import importlib.util
import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.slurm.runs import catches_sigterm, read_packs, train_in_peace
from tests.workflow.background import in_background
from tests.workflow.project import HANGS, environment, trains_pack, wait_until

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(
        not importlib.util.find_spec("snakemake_executor_plugin_cluster_generic"),
        reason="the extra 'cluster-generic' is not installed",
    ),
]

PBS = Path(__file__).parent / "pbs"

OPTIONS = (
    *("study_dataset", "--profile", "profiles/cluster-generic", "--config", "study=long"),
    *("--default-resources", "mem_mb=1500", "runtime=90", "gpu=0"),
    *("--latency-wait", 15, "--seconds-between-status-checks", 1),
)

LONG = {
    "training": {"max_train_steps": 20_000, "batch_size": 32, "eval_every": 400},
    "nuisance": {},
    "search": {"algorithm": "list", "trials": [{"learning_rate": 0.01}, {"learning_rate": 0.02}]},
    "resources": {"trials_per_job": 1, "memory_mb": 1200},
}


@in_background
def other_cluster(workshop):
    """A run that is interrupted, then one of whose jobs one is killed and one preempted."""
    project = workshop.new_project("other_cluster")
    project.write_study("long", LONG)
    queue = project.root / "queue"
    queue.mkdir()
    with running(project, queue) as first:
        wait_until(lambda: all_held(queue), of=first)
        first.send_signal(signal.SIGINT)
        interrupted = first.wait(HANGS)
        for job in jobs(queue):
            wait_until(lambda job=job: has_ended(job))
    with running(project, queue) as second:
        killed, preempted = wait_until(lambda: all_held(queue), of=second)
        os.killpg(session(killed), signal.SIGKILL)
        preempted.with_suffix(f"{preempted.suffix}.queued").touch()
        os.killpg(session(preempted), signal.SIGTERM)
        wait_until(lambda: has_ended(preempted), of=second)
        subprocess.run([PBS / "begin", preempted], check=True)
        status = second.wait(HANGS)
    folder = project.results / "long"
    return SimpleNamespace(
        interrupted=interrupted,
        status=status,
        asked=[path.read_text() for path in queue.glob("*.asked")],
        packs=read_packs(folder),
        undisturbed=read_packs(train_in_peace(project, "long")),
    )


@contextmanager
def running(project, queue):
    """Give a Snakemake with the profile; it and its jobs are killed if they have not ended."""
    variables = environment(project.cache)
    with (project.root / "said.log").open("a") as said:
        snakemake = subprocess.Popen(
            project.command(*OPTIONS),
            cwd=project.root,
            env=variables
            | {"FAKE_PBS": str(queue), "PATH": f"{PBS}{os.pathsep}{variables['PATH']}"},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    try:
        yield snakemake
    finally:
        snakemake.kill()
        snakemake.wait()
        for job in jobs(queue):
            for process in processes(job):
                process.kill()


def jobs(queue):
    """The scripts of all jobs, the first one first."""
    scripts = [path for path in queue.iterdir() if path.name.count(".") == 1]
    return sorted(scripts, key=lambda path: path.stat().st_mtime_ns)


def session(job):
    """The session of a job, which is also the group of its processes; 0 before it begins."""
    file = job.with_suffix(f"{job.suffix}.session")
    return int(file.read_text() or 0) if file.exists() else 0


def processes(job):
    """The processes of a job."""
    own, found = session(job), []
    for process in psutil.process_iter():
        try:
            if own and os.getsid(process.pid) == own and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def has_ended(job):
    """Whether nothing of a job is left; what is held of it may go on and end."""
    left = processes(job)
    for process in left:
        process.resume()
    return not left


def all_held(queue):
    """The two jobs that train, once both do; each is stopped there."""
    held = []
    for job in jobs(queue):
        for process in processes(job):
            with suppress(psutil.Error, OSError):  # it may end at any moment
                if trains_pack(process) and catches_sigterm(process.pid):
                    process.suspend()
                    held.append(job)
    return held if len(held) == 2 else None


def test_the_submit_command_says_what_a_job_asks_for(other_cluster):
    training = [words for words in other_cluster.asked if "-N train_pack " in words]
    assert len(training) == 5  # twice two, and the one that was killed
    for words in training:
        assert "select=1:ncpus=1:mem=1200mb:ngpus=0 -l walltime=5400 " in words


def test_jobs_of_an_interrupted_run_are_cancelled(other_cluster):
    assert other_cluster.interrupted != 0  # and its jobs have ended, else it is waited for them


def test_a_killed_and_a_preempted_job_end_with_the_bytes_of_undisturbed_ones(other_cluster):
    assert other_cluster.status == 0
    assert len(other_cluster.packs) == 2
    assert other_cluster.packs == other_cluster.undisturbed


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("echo '    job_state = F'; echo '    Exit_status = 0'", "success"),
        ("echo '    job_state = F'; echo '    Exit_status = 271'", "failed"),
        ("echo '    job_state = R'", "running"),
        ("echo 'qstat: Unknown Job Id 1' >&2; exit 153", "failed"),
        ("echo 'cannot connect to server' >&2; exit 1", "running"),
    ],
)
def test_what_pbs_says_of_a_job(tmp_path, answer, status):
    qstat = tmp_path / "qstat"
    qstat.write_text(f"#!/bin/sh\n{answer}\n")
    qstat.chmod(0o755)
    script = Path(__file__).parents[2] / "profiles/cluster-generic/status.sh"
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    said = subprocess.run(
        [script, "1"], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == status
