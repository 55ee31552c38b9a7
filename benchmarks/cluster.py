"""What a training job costs on Slurm beside its training, on a cluster that is started for it."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.slurm.cluster import Cluster, missing, running_cluster

from benchmarks.packs import fresh_cache
from benchmarks.process import ROOT, measure
from benchmarks.studies import write_study
from benchmarks.table import Figure
from tuning_playbook.trials.trial_json import read_provenance

SHORT_TRAINING = {"max_train_steps": 20, "eval_every": 10}

SHORT_WAITS = ("--slurm-init-seconds-before-status-checks", "4", "--latency-wait", "15")
"""Instead of the profile's: these jobs take seconds, and the file system is a local one."""


class Job(NamedTuple):
    """A job that has ended, as the accounting has it.

    Attributes:
        cpu: Seconds, of all its steps.
        elapsed: Seconds from its start to its end.
        waited: Seconds from being submitted to its start.
    """

    cpu: float
    elapsed: float
    waited: float


def cluster(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Submission and start-up of each trial, in jobs of one and of eight, on a Slurm of its own."""
    if reason := missing():
        print(f"not measured: no Slurm cluster can be started here: {reason}", file=sys.stderr)
        return
    # Sockets have short paths.
    with tempfile.TemporaryDirectory(prefix="slurm-") as name, running_cluster(Path(name)) as slurm:
        yield Figure(
            "seconds of one sbatch", tuple(_submit(slurm) for _ in range(5 if quick else 20))
        )
        cache = fresh_cache(folder)
        _train(slurm, folder, cache, per_job=1, trials=1)  # compiles what the others find
        for per_job in (1, 8):
            jobs, training = _train(
                slurm, folder, cache, per_job=per_job, trials=8 if quick else 16
            )
            cpu, elapsed, waited = (statistics.median(column) for column in zip(*jobs, strict=True))
            yield Figure(
                f"CPU seconds of each trial, jobs of {per_job}",
                tuple(job.cpu / per_job for job in jobs),
                None,
                f"a job: {cpu:.3g} s of CPU, {elapsed:.3g} s from start to end, of which training "
                f"{per_job * training:.2g} s; {waited:.2g} s from submission to start",
            )


def _submit(slurm: Cluster) -> float:
    started = time.perf_counter()
    slurm.call("sbatch", "--output=/dev/null", "--mem=1", "--wrap", "true")
    return time.perf_counter() - started


def _train(
    slurm: Cluster, folder: Path, cache: Path, *, per_job: int, trials: int
) -> tuple[list[Job], float]:
    """Train a study of so many trials in each of its two arms, with two jobs at a time.

    Returns:
        Its training jobs, and the median of the seconds that a trial trained.
    """
    study = f"jobs_of_{per_job}_{trials}"
    spec = write_study(
        folder / f"{study}.yaml",
        trials=trials,
        resources={"trials_per_job": per_job},
        training=SHORT_TRAINING,
    )
    # The profile and what it starts are found from the project's root.
    work = Path(tempfile.mkdtemp(dir=folder))
    for path in ("config", "profiles", "Snakefile", "workflow", "src", "envs"):
        (work / path).symlink_to(ROOT / path)
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", "--jobs", "2"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{slurm.environment['PATH']}"
    measure(
        [*command, *SHORT_WAITS, "study_dataset", "--config", f"study={spec}"],
        cache=cache,
        cwd=work,
        environment={**slurm.environment, "PATH": path},
    )
    folders = (work / "results" / study / "trials").iterdir()
    training = statistics.median(read_provenance(trial)["wall_seconds"] for trial in folders)
    return list(_ended(slurm, study)), training


def _ended(slurm: Cluster, study: str) -> Iterator[Job]:
    """Yield the training jobs of a study; each has a row of its own and one for each step."""
    columns = "--format=JobIDRaw,TotalCPU,ElapsedRaw,Submit,Start,Comment"
    rows = [row.split("|") for row in slurm.call("sacct", "-n", "-P", columns).splitlines()]
    for job, _, elapsed, submit, start, comment in rows:
        if comment.startswith(f"rule_train_pack_wildcards_{study}_"):
            cpu = sum(_seconds(row[1]) for row in rows if row[0].startswith(f"{job}."))
            yield Job(cpu, float(elapsed), _time(start) - _time(submit))


def _seconds(duration: str) -> float:
    """Return the seconds of a duration of Slurm's, such as 01:02.345 or 1-02:03:04."""
    days, _, rest = duration.rpartition("-")
    parts = [float(part) for part in rest.split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts))) + 86400 * int(
        days or 0
    )


def _time(stamp: str) -> float:
    return time.mktime(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S"))
