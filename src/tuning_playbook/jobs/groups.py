"""Train any trials: those that share a program together, a group of lanes at a time."""

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax

from tuning_playbook.engine.data import Data, place_data
from tuning_playbook.engine.devices import share_batches, side_by_side, writes
from tuning_playbook.engine.lane import new_lane
from tuning_playbook.engine.program import Program, signature
from tuning_playbook.engine.run import Finished, finish, train_group
from tuning_playbook.errors import (
    ChangedDuringRunError,
    InfeasibleConfigurationError,
    InterruptedTrainingError,
    TuningPlaybookError,
)
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.describe_workload import current_versions
from tuning_playbook.jobs.environment import now, peak_memory_bytes, provenance
from tuning_playbook.jobs.load_workload import load_data
from tuning_playbook.jobs.one_behind import OneBehind
from tuning_playbook.jobs.sigterm import noted_sigterm
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.result import (
    TrialResult,
    trial_folder,
    write_predictions,
    write_result,
)
from tuning_playbook.trials.resume_states import remove_resumes
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Workload

logger = logging.getLogger(__name__)


def train_trials(
    trials: Sequence[Trial],
    workload: Workload,
    study: Path,
    *,
    import_from: str,
    devices: int = 1,
) -> list[TrialResult]:
    """Train trials of one workload, each written to its folder while the next one trains.

    A configuration that cannot run is a failed trial with its reason; the others go on. Where
    nothing but errors of the workload's own code came of any of them, it is that code that a person
    must look at.

    Args:
        trials: The trials.
        workload: Theirs.
        study: The study's folder of results.
        import_from: Where the workload's module is imported from before the installed packages.
        devices: How many train lanes of their own. How many share a batch, the trial says.

    Raises:
        ChangedDuringRunError: Code or data is not what the trials were planned with.
        DeviceError: There are fewer devices.
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
        Exception: The workload's, if no trial could be trained for it.
    """
    splits = load_data(trials[0].workload, workload)
    _check_versions(trials[0], current_versions(workload, splits, import_from))
    groups: dict[tuple[int, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.data_split, signature(trial, workload)), []).append(trial)
    errors: list[Exception] = []
    writer = OneBehind[list[TrialResult]]()
    with noted_sigterm() as should_stop, writer:
        for (data_split, _), group in groups.items():
            seen = load_data(group[0].workload, workload, data_split) if data_split else splits
            shares = _shares(group, devices)

            def train(
                share: Sequence[Trial],
                seen: Mapping[str, Arrays] = seen,
                together: int = len(shares),
            ) -> None:
                _train_group(share, workload, seen, study, should_stop, errors, writer, together)

            side_by_side(train, shares)
    results = [result for written in writer.done for result in written]
    if errors and all(result.status == "failed" for result in results):
        raise errors[0]
    return results


def _shares(trials: Sequence[Trial], devices: int) -> list[list[Trial]]:
    """Return the trials of one signature as each device has them: groups of lanes in turn."""
    lanes = trials[0].lanes
    if lanes == 1:
        return [list(trials)]
    groups = [trials[start : start + lanes] for start in range(0, len(trials), lanes)]
    if len(groups) < devices:
        logger.warning(
            "%d trials in lanes of %d are work for %d of %d devices; lower resources.lanes",
            *(len(trials), lanes, len(groups), devices),
        )
    count = min(devices, len(groups))
    return [[trial for group in groups[n::count] for trial in group] for n in range(count)]


def _train_group(
    trials: Sequence[Trial],
    workload: Workload,
    splits: Mapping[str, Arrays],
    study: Path,
    should_stop: Callable[[], bool],
    errors: list[Exception],
    writer: OneBehind[list[TrialResult]],
    together: int,
) -> None:
    """Train the trials of one signature with one program, of fewer lanes if memory runs out.

    What the workload's own code raises is added to `errors`. So many devices train such trials.
    """
    width = trials[0].lanes
    left = list(trials)
    spread = share_batches(trials[0].devices)
    host_data = splits["train"] if getattr(workload, "host_fed", False) else None
    data: Data | None = None
    program: Program | None = None
    while left:
        lanes = left[:width]
        failure = ""
        try:
            # Once: where memory ran out there is none for a second copy.
            data = data or place_data(
                splits,
                trials[0].batch_size,
                trials[0].validation_sample,
                host_fed=host_data is not None,
                spread=spread,
            )
            if program is None:
                writer.begin()  # compiling leaves it the interpreter
                examples = len(next(iter(splits["train"].values())))
                like = dataclasses.replace(trials[0], lanes=width)
                program = Program(like, workload, data, examples, spread)
            trained, facts = _train_lanes(
                program, lanes, study, should_stop, host_data, writer.begin
            )
        except InfeasibleConfigurationError as error:
            failure = str(error)
        except (TuningPlaybookError, InterruptedTrainingError, OSError):
            raise
        except Exception as error:  # a user's model may raise anything for one configuration
            # It is that trial's reason and its traceback is logged; the job fails with it where it
            # is all that came of the trials.
            if _may_be_the_devices(error):
                raise
            failure = f"{type(error).__name__}: {error}"
            if _out_of_memory(error):
                failure = f"out of memory: {str(error).splitlines()[0]}"
                if width > 1:
                    logger.warning("%s; %d lanes from here on, not %d", failure, width // 2, width)
                    width, program = width // 2, None
                    continue
            else:
                logger.exception("a configuration cannot be trained")
                errors.append(error)
        if failure:
            program = None
            writer.give(functools.partial(_fail, lanes, workload, study, failure))
        else:
            facts["devices"] = together * spread.parts
            writer.give(functools.partial(_write, trained, study, facts))
        left = left[width:]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def _may_be_the_devices(error: Exception) -> bool:
    """Whether an error may come of a broken device and not of the configuration.

    XLA says INVALID_ARGUMENT where the program itself is wrong. Of several processes the others may
    have had no error, and would wait for this one.
    """
    if not isinstance(error, jax.errors.JaxRuntimeError):
        return False
    of_the_program = _out_of_memory(error) or str(error).startswith("INVALID_ARGUMENT")
    return jax.process_count() > 1 or not of_the_program


def _train_lanes(
    program: Program,
    trials: Sequence[Trial],
    study: Path,
    should_stop: Callable[[], bool],
    host_data: Arrays | None,
    under_way: Callable[[], None],
) -> tuple[list[Finished], dict[str, object]]:
    """Train one group of lanes; return its trials, and the facts of how they were trained."""
    folders = [trial_folder(study, trial) / "checkpoints" for trial in trials]
    started, clock, compiled = now(), time.perf_counter(), program.compile_seconds
    trained = train_group(
        program,
        trials,
        folders=folders,
        should_stop=should_stop,
        host_data=host_data,
        under_way=under_way,
    )
    seconds = time.perf_counter() - clock
    compile_seconds = program.compile_seconds - compiled
    return trained.finished, provenance() | {
        "started": started,
        "finished": now(),
        "wall_seconds": (trained.earlier_seconds + seconds) / len(trials),
        "compile_seconds": compile_seconds / len(trials),
        "input_wait_seconds": trained.wait_seconds / len(trials),
        "steps_per_second": trained.steps / (seconds - compile_seconds),
        "peak_memory_bytes": peak_memory_bytes(),
        "resumed_at": trained.resumed_at,
        "lanes": program.trial.lanes,
        "nodes": jax.process_count(),
    }


def _write(
    finished: Sequence[Finished], study: Path, facts: Mapping[str, object]
) -> list[TrialResult]:
    """Write the trials of one group of lanes, after which nothing of them is resumed.

    The checkpoints of all come before the numbers that finish a trial: they take the time, and a
    job killed meanwhile goes on from the states that the whole group has.
    """
    written = finished if writes() else []
    for item in written:
        _write_best(item, study)
    for item in written:
        folder = trial_folder(study, item.result.trial)
        steps = [step for step, _ in item.best]
        write_result(folder, item.result, {**facts, "best_steps": steps})
        remove_resumes(folder / "checkpoints")
        reason = f": {item.result.reason}" if item.result.reason else ""
        logger.info("%s %s%s", item.result.trial.id, item.result.status, reason)
    return [item.result for item in finished]


def _write_best(item: Finished, study: Path) -> None:
    """Write what the best variables of a finished trial predict, and its best checkpoints."""
    folder = trial_folder(study, item.result.trial)
    if item.examination.examples:
        write_predictions(folder, item.examination.examples)
    if item.best:
        best = {f"step_{step}": variables for step, variables in item.best}
        checkpoints.save(folder / "checkpoints", BEST, best)


def _fail(
    trials: Sequence[Trial], workload: Workload, study: Path, reason: str
) -> list[TrialResult]:
    """Record trials that could not run."""
    results = []
    for trial in trials:
        lane = new_lane(trial, [metric.name for metric in workload.metrics])
        result = finish(lane, status="failed", reason=reason).result
        facts = provenance() | {"started": now(), "finished": now()}
        if writes():
            write_result(trial_folder(study, trial), result, facts)
        logger.warning("%s failed: %s", trial.id, reason)
        results.append(result)
    return results


def _check_versions(trial: Trial, current: Mapping[str, str]) -> None:
    """Check that code and data are what the fingerprint says they are."""
    changed = [name for name, version in trial.versions.items() if current[name] != version]
    if changed:
        raise ChangedDuringRunError(
            f"the {' and the '.join(changed)} of workload '{trial.workload}' changed since this "
            "job was planned; run snakemake again"
        )
