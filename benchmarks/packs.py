"""Training jobs against the bare script: time, speed, compilation, lanes, memory."""

import itertools
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.process import ROOT, Measured, measure
from benchmarks.studies import cnn_request, pack_request
from benchmarks.table import Bar, Figure, medians, ratios
from benchmarks.training_job import LOG, PACK
from tuning_playbook.trials.pack_file import read_pack
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.trial_json import read_provenance

ONE_THREAD = {"NPROC": "1"}
"""What the default study gives a job: XLA sizes its thread pool by it."""


@dataclass(frozen=True)
class TrainedPack:
    """A training job that has ended.

    Attributes:
        process: The whole process.
        provenance: What each trial's trial.json tells of how it went, in the order of training.
        intervals: Seconds from the end of each trial to the end of the next, files included.
        records: The numbers of each trial.
    """

    process: Measured
    provenance: tuple[dict[str, Any], ...]
    intervals: tuple[float, ...]
    records: tuple[TrialRecord, ...]

    def validation(self, metric: str) -> list[np.ndarray]:
        """Return the evaluations of a metric on the validation split, trial by trial."""
        name = f"validation/{metric}"
        return [np.asarray(record.evaluations.values[name]) for record in self.records]

    def total(self, name: str) -> float:
        """Return the sum over the trials of what their provenance gives."""
        return float(sum(item[name] for item in self.provenance))


def train(request: dict[str, Any], cache: Path, folder: Path, *, threads: int = 1) -> TrainedPack:
    """Train a pack from nothing in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        study = Path(name)
        command = [sys.executable, "-m", "benchmarks.training_job", str(study), str(threads)]
        process = measure(command, cache=cache, cwd=folder, given=request)
        ended = re.findall(r"^(\S+ \S+) INFO (\w+) completed$", (study / LOG).read_text(), re.M)
        times = [datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f") for time, _ in ended]
        packed = read_pack(study / "packs" / f"{PACK}.nc")
        return TrainedPack(
            process=process,
            provenance=tuple(read_provenance(study / "trials" / trial) for _, trial in ended),
            intervals=tuple(
                (after - before).total_seconds() for before, after in itertools.pairwise(times)
            ),
            records=tuple(packed[trial] for _, trial in ended),
        )


def train_bare(
    trials: list[dict[str, Any]],
    cache: Path,
    folder: Path,
    environment: Mapping[str, str],
    *options: str,
) -> tuple[Measured, dict[str, Any]]:
    """Train trials with the bare script; return the process and what it printed."""
    command = [sys.executable, str(ROOT / "benchmarks" / "bare.py"), *options]
    process = measure(command, cache=cache, cwd=folder, given=trials, environment=environment)
    return process, json.loads(process.output)


def warm_cache(folder: Path, *requests: dict[str, Any]) -> Path:
    """Return a cache that holds the compiled programs of both sides."""
    cache = Path(tempfile.mkdtemp(dir=folder))
    for request in requests:
        train({**request, "trials": request["trials"][:1]}, cache, folder)
        train_bare(request["trials"][:1], cache, folder, ONE_THREAD)
    return cache


def fresh_cache(folder: Path) -> Path:
    """Return an empty cache."""
    return Path(tempfile.mkdtemp(dir=folder))


def pack(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """One pack of 16 trials, files included, against the bare script's 16."""
    request = pack_request(folder, trials=16)
    warm = warm_cache(folder, request)
    for condition, repetitions in (("warm", 3 if quick else 7), ("cold", 1 if quick else 3)):
        pairs = []
        for _ in range(repetitions):
            caches = [warm if condition == "warm" else fresh_cache(folder) for _ in range(2)]
            job = train(request, caches[0], folder)
            bare, printed = train_bare(request["trials"], caches[1], folder, ONE_THREAD)
            _check_same(job, printed)
            pairs.append((job.process, bare))
        wall = [(job.wall, bare.wall) for job, bare in pairs]
        cpu = [(job.cpu, bare.cpu) for job, bare in pairs]
        yield Figure(
            f"a pack of 16 / bare script, {condition} cache",
            ratios(wall),
            Bar(1.3),
            f"{medians(wall, 's')}; CPU time {statistics.median(ratios(cpu)):.3g}",
        )


def speed(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Steps per second of a pack against the bare script, compilation and start-up left out."""
    requests = {
        "digits_mlp": (pack_request(folder, trials=16), 2 if quick else 7),
        "mnist5k_cnn": (cnn_request(folder, trials=2), 1 if quick else 3),
    }
    for workload, (request, repetitions) in requests.items():
        steps = request["trials"][0]["max_train_steps"]
        cache = warm_cache(folder, request)
        training, norms, whole = [], [], []
        train_bare(request["trials"][:1], cache, folder, ONE_THREAD, "--norms")
        for _ in range(repetitions):
            job = train(request, cache, folder)
            bare, logging = (
                steps / statistics.median(printed["seconds"])
                for _, printed in (
                    train_bare(request["trials"], cache, folder, ONE_THREAD),
                    train_bare(request["trials"], cache, folder, ONE_THREAD, "--norms"),
                )
            )
            own = statistics.median(item["steps_per_second"] for item in job.provenance)
            training.append((own, bare))
            norms.append((own, logging))
            whole.append((steps / statistics.median(job.intervals), bare))
        for name, pairs, bar in (
            (f"steps per second, {workload} / bare", training, Bar(0.9, at_least=True)),
            ("... / bare script that logs the same norms", norms, None),
            ("..., each trial's files included / bare", whole, None),
        ):
            yield Figure(name, ratios(pairs), bar, medians(pairs, "steps/s"))


def cache(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Compile seconds of a second process, whose programs are in the cache, against the first."""
    request = pack_request(folder, trials=1)
    pairs = []
    for _ in range(2 if quick else 5):
        shared = fresh_cache(folder)
        first, second = (train(request, shared, folder) for _ in range(2))
        pairs.append((second.total("compile_seconds"), first.total("compile_seconds")))
    yield Figure("compile time, warm cache / cold", ratios(pairs), Bar(0.25), medians(pairs, "s"))


def lanes(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Trials per second of the same 32 trials at 1, 8 and 32 lanes."""
    widths = (1, 8, 32)
    requests = [pack_request(folder, trials=32, lanes=width) for width in widths]
    shared = fresh_cache(folder)
    for request in requests:
        train({**request, "trials": request["trials"][:1]}, shared, folder)
    rounds = [
        [train(request, shared, folder) for request in requests] for _ in range(1 if quick else 3)
    ]
    for index, width in enumerate(widths):
        jobs = [row[index] for row in rounds]
        seconds = [job.total("wall_seconds") - job.total("compile_seconds") for job in jobs]
        whole = statistics.median(job.process.wall for job in jobs)
        yield Figure(
            f"trials per second, lanes: {width}",
            tuple(32 / value for value in seconds),
            None,
            f"the whole job {whole:.3g} s",
        )


def memory(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Peak memory of a pack of 64 trials against one trial's, both with an empty cache."""
    del quick
    requests = {lanes: pack_request(folder, trials=64, lanes=lanes) for lanes in (1, 64)}
    alone = {**requests[1], "trials": requests[1]["trials"][:1]}
    one = train(alone, fresh_cache(folder), folder).process.peak_bytes
    trial = alone["trials"][0]
    allowed = 1.5 * one + 64 * (alone["selection"]["keep"] + 3) * _parameter_bytes(trial)
    for width, request in requests.items():
        peak = train(request, fresh_cache(folder), folder).process.peak_bytes
        yield Figure(
            f"peak memory of 64 trials / allowed, lanes: {width}",
            (peak / allowed,),
            Bar(1.0),
            f"{peak / 2**20:.0f} MiB; one trial {one / 2**20:.0f}; allowed {allowed / 2**20:.0f}",
        )


def _check_same(job: TrainedPack, printed: Mapping[str, Any]) -> None:
    """Check that both sides began with the same weights and the same data.

    Raises:
        SystemExit: They did not, so that their times cannot be compared.
    """
    first_loss = [float(losses[0]) for losses in job.validation("loss")]
    if not np.allclose(first_loss, printed["first_loss"], rtol=1e-4):
        sys.exit("benchmarks/bare.py no longer trains the trials that the project trains")


def _parameter_bytes(trial: dict[str, Any]) -> int:
    """Return the size of the parameters of `digits_mlp`: float32 weights and biases."""
    hyperparameters = trial["hyperparameters"]
    widths: list[int] = [64, *[hyperparameters["width"]] * hyperparameters["depth"], 10]
    return 4 * sum((above + 1) * below for above, below in itertools.pairwise(widths))
