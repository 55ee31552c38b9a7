"""Train any trials: those that share a program together, a group of lanes at a time."""

import contextlib
import dataclasses
import logging
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import jax

from tuning_playbook.errors import ChangedDuringRunError, InfeasibleConfigurationError
from tuning_playbook.search.fingerprint import Trial
from tuning_playbook.training import checkpoints
from tuning_playbook.training.environment import now, peak_memory_bytes, provenance
from tuning_playbook.training.lane import new_lane
from tuning_playbook.training.program import Program, place_data, signature
from tuning_playbook.training.records import (
    TrialResult,
    trial_folder,
    write_predictions,
    write_result,
)
from tuning_playbook.training.run import Finished, finish, train_group
from tuning_playbook.workloads.describe import current_versions
from tuning_playbook.workloads.loading import load_data
from tuning_playbook.workloads.protocol import Arrays, Workload

logger = logging.getLogger(__name__)


def train_trials(
    trials: Sequence[Trial],
    workload: Workload,
    study: Path,
    *,
    import_from: str,
) -> Iterator[TrialResult]:
    """Train trials of one workload, each written to its folder as soon as it ends.

    A configuration that cannot run is a failed trial with its reason; the others go on.

    Raises:
        ChangedDuringRunError: Code or data is not what the trials were planned with.
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
    """
    splits = load_data(trials[0].workload, workload)
    _check_versions(trials[0], current_versions(workload, splits, import_from))
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(signature(trial, workload), []).append(trial)
    with _stop_on_sigterm() as should_stop:
        for group in groups.values():
            yield from _train_group(group, workload, splits, study, should_stop)


def _train_group(
    trials: Sequence[Trial],
    workload: Workload,
    splits: Mapping[str, Arrays],
    study: Path,
    should_stop: Callable[[], bool],
) -> Iterator[TrialResult]:
    """Train the trials of one signature with one program, of fewer lanes if memory runs out."""
    width = trials[0].lanes
    left = list(trials)
    host_data = splits["train"] if getattr(workload, "host_fed", False) else None
    while left:
        like = dataclasses.replace(trials[0], lanes=width)
        try:
            data = place_data(
                splits, like.batch_size, like.validation_sample, host_fed=host_data is not None
            )
            examples = len(next(iter(splits["train"].values())))
            program = Program(like, workload, data, examples)
            while left:
                lanes = left[:width]
                yield from _train_lanes(program, lanes, study, should_stop, host_data)
                left = left[width:]
        except InfeasibleConfigurationError as error:
            yield from _fail(left[:width], workload, study, str(error))
            left = left[width:]
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            reason = f"out of memory: {str(error).splitlines()[0]}"
            if width == 1:
                yield from _fail(left[:1], workload, study, reason)
                left = left[1:]
            else:
                logger.warning("%s; %d lanes from here on, not %d", reason, width // 2, width)
                width //= 2


def _train_lanes(
    program: Program,
    trials: Sequence[Trial],
    study: Path,
    should_stop: Callable[[], bool],
    host_data: Arrays | None,
) -> Iterator[TrialResult]:
    """Train one group of lanes, and write its trials."""
    folders = [trial_folder(study, trial) / "checkpoints" for trial in trials]
    started, clock, compiled = now(), time.perf_counter(), program.compile_seconds
    trained = train_group(
        program,
        trials,
        folders=folders,
        should_stop=should_stop,
        host_data=host_data,
    )
    seconds = time.perf_counter() - clock
    compile_seconds = program.compile_seconds - compiled
    facts = provenance() | {
        "started": started,
        "finished": now(),
        "wall_seconds": seconds / len(trials),
        "compile_seconds": compile_seconds / len(trials),
        "input_wait_seconds": trained.wait_seconds / len(trials),
        "steps_per_second": trained.steps / (seconds - compile_seconds),
        "peak_memory_bytes": peak_memory_bytes(),
        "lanes": program.trial.lanes,
    }
    for item in trained.finished:
        yield _write(item, study, facts)


def _write(item: Finished, study: Path, facts: Mapping[str, object]) -> TrialResult:
    """Write a finished trial: its best checkpoints, then its numbers."""
    folder = trial_folder(study, item.result.trial)
    if item.examination.examples:
        write_predictions(folder, item.examination.examples)
    if item.best:
        best = {f"step_{step}": variables for step, variables in item.best}
        checkpoints.save(folder / "checkpoints", checkpoints.BEST, best)
    steps = [step for step, _ in item.best]
    write_result(folder, item.result, {**facts, "best_steps": steps})
    checkpoints.remove_resumes(folder / "checkpoints")
    reason = f": {item.result.reason}" if item.result.reason else ""
    logger.info("%s %s%s", item.result.trial.id, item.result.status, reason)
    return item.result


def _fail(
    trials: Sequence[Trial], workload: Workload, study: Path, reason: str
) -> Iterator[TrialResult]:
    """Record trials that could not run."""
    for trial in trials:
        lane = new_lane(trial, [metric.name for metric in workload.metrics])
        result = finish(lane, status="failed", reason=reason).result
        facts = provenance() | {"started": now(), "finished": now()}
        write_result(trial_folder(study, trial), result, facts)
        logger.warning("%s failed: %s", trial.id, reason)
        yield result


def _check_versions(trial: Trial, current: Mapping[str, str]) -> None:
    """Check that code and data are what the fingerprint says they are."""
    changed = [name for name, version in trial.versions.items() if current[name] != version]
    if changed:
        raise ChangedDuringRunError(
            f"the {' and the '.join(changed)} of workload '{trial.workload}' changed since this "
            "job was planned; run snakemake again"
        )


@contextlib.contextmanager
def _stop_on_sigterm() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether SIGTERM has come, as a scheduler sends before a kill."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGTERM, before)
