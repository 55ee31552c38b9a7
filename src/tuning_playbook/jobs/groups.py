"""Train trials: those that share a program train together, one group of lanes at a time."""

import dataclasses
import functools
import io
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

from tuning_playbook.engine.devices import share_batches
from tuning_playbook.engine.input_clock import InputSeconds
from tuning_playbook.engine.lane import Lane, new_lane
from tuning_playbook.engine.program import Program, signature
from tuning_playbook.engine.run import Finished, Progress, finish, train_group
from tuning_playbook.engine.stream import stream_of
from tuning_playbook.errors import (
    ChangedDuringRunError,
    InfeasibleConfigurationError,
    InterruptedTrainingError,
    TuningPlaybookError,
    WorkloadError,
)
from tuning_playbook.files import write_atomically
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.describe_workload import current_versions
from tuning_playbook.jobs.environment import now, peak_memory_bytes, provenance
from tuning_playbook.jobs.job import say
from tuning_playbook.jobs.load_workload import load_data, load_workload
from tuning_playbook.jobs.one_behind import OneBehind
from tuning_playbook.jobs.place_trial import Placed, place_trial
from tuning_playbook.jobs.processes import side_by_side, writes
from tuning_playbook.jobs.progress_files import ProgressFiles
from tuning_playbook.jobs.resume import SavedStates
from tuning_playbook.jobs.sigterm import noted_sigterm
from tuning_playbook.jobs.training_errors import as_user_error, out_of_memory
from tuning_playbook.jobs.user_code import explain, own_file
from tuning_playbook.study.apart import ask
from tuning_playbook.study.waiting import waiting_for
from tuning_playbook.study.workload_description import forget
from tuning_playbook.trials.best_checkpoint import (
    BestCheckpoint,
    predictions_file,
    write_best,
)
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.resume_states import remove_resumes
from tuning_playbook.trials.trial import Trial
from tuning_playbook.trials.trial_files import trial_folder, write_trial
from tuning_playbook.workloads.protocol import Arrays, Workload

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Training:
    """What the trainings of all trials of a request share.

    Attributes:
        workload: The trials' workload.
        study: The study's folder of results.
        selection: Which checkpoints of each trial are kept.
        should_stop: Returns whether the job was told to stop.
        write: Writes the trials of a group of lanes, with the facts of how they were trained.
        writer: The thread that writes while the next group trains.
        errors: Errors that the workload's own code raised.
    """

    workload: Workload
    study: Path
    selection: CheckpointSelection
    should_stop: Callable[[], bool]
    write: "Write"
    writer: OneBehind[dict[str, TrialRecord]]
    errors: list[BaseException] = dataclasses.field(default_factory=list)


Write = Callable[
    [Sequence[Finished], Path, CheckpointSelection, Mapping[str, object]], dict[str, TrialRecord]
]


def write_trials(
    finished: Sequence[Finished],
    study: Path,
    selection: CheckpointSelection,
    facts: Mapping[str, object],
    *,
    pack: str = "",
) -> dict[str, TrialRecord]:
    """Write the trials of one group of lanes; none of them can be resumed afterwards.

    All checkpoints are written before the numbers, which finish a trial. Checkpoints take longest,
    and if the job is killed meanwhile, the whole group can still be resumed.

    Args:
        finished: The trials.
        study: The study's folder of results.
        selection: The ranking of their checkpoints.
        facts: How they were trained.
        pack: The name of their pack in the study's folder, if it is known.

    Returns:
        The trials' records, by id.
    """
    written = finished if writes() else []
    for item in written:
        write_checkpoints(item, study, selection)
    for item in written:
        steps = [step for step, _ in item.best]
        write_trial(study, item.trial, item.record, kept_steps=steps, provenance=facts, pack=pack)
        reason = f": {item.record.reason}" if item.record.reason else ""
        logger.info("%s %s%s", item.trial.id, item.record.status, reason)
        if item.record.status != "failed":  # a failed trial may be resumed where that is possible
            remove_resumes(trial_folder(study, item.trial) / "checkpoints")
    return {item.trial.id: item.record for item in finished}


def write_checkpoints(
    item: Finished,
    study: Path,
    selection: CheckpointSelection,
    others: Mapping[str, object] | None = None,
) -> None:
    """Write a trial's best checkpoints, and what was measured of the best one.

    Args:
        item: The trial.
        study: The study's folder of results.
        selection: The ranking of its checkpoints.
        others: Further variables to save with them, by `step_<number>`.
    """
    folder = trial_folder(study, item.trial)
    found = item.examination
    if not item.best:
        return
    best = {f"step_{step}": variables for step, variables in item.best}
    checkpoints.save(folder / "checkpoints", BEST, {**(others or {}), **best})
    if found.examples:
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **found.examples)
        write_atomically(predictions_file(folder, selection), buffer.getvalue())
    measured = BestCheckpoint(
        step=item.best[0][0],
        means=dict(found.means),
        sample_error=dict(found.sample_error),
        class_right=found.class_right.tolist(),
        class_examples=found.class_examples.tolist(),
    )
    write_best(folder, selection, measured)


def train_request(
    request: PackRequest, study: Path, *, devices: int = 1, write: Write = write_trials
) -> dict[str, TrialRecord]:
    """Load the workload of a request and train its trials; see `train_trials`.

    Raises:
        WorkloadError: The workload cannot be imported, or its data cannot be read.
    """
    place = (request.trials[0].workload, request.import_from, request.data_folder)
    with waiting_for(f"workload '{place[0]}' to be imported", say):
        workload = load_workload(*place)
    try:
        return train_trials(request, workload, study, devices=devices, write=write)
    except (ChangedDuringRunError, WorkloadError):
        forget(*place)  # this job's plan is out of date: do not use its description again
        raise


def train_trials(
    request: PackRequest,
    workload: Workload,
    study: Path,
    *,
    devices: int = 1,
    write: Write = write_trials,
) -> dict[str, TrialRecord]:
    """Train trials of one workload; each is written to its folder while the next one trains.

    A configuration that cannot run is a failed trial with a reason; the others continue. If all
    trials failed with errors of the workload's own code, that code needs fixing, so the job fails.

    Args:
        request: The trials, where the workload is imported from, and which checkpoints are kept.
        workload: The trials' workload.
        study: The study's folder of results.
        devices: How many devices train separate lanes. The trial sets how many share a batch.
        write: Writes the trained trials.

    Returns:
        The trials' records, by id.

    Raises:
        ChangedDuringRunError: Code or data is not what the trials were planned with.
        DeviceError: There are fewer devices.
        InterruptedTrainingError: The job was told to stop; what was trained is saved.
        WorkloadError: The workload's own code raised an error, so that no trial could be trained.
    """
    trials = request.trials
    with waiting_for(f"the data of workload '{trials[0].workload}' (its load_data)", say):
        splits = load_data(trials[0].workload, workload)
    check_versions(request, current_versions(workload, splits, request.import_from))
    groups: dict[tuple[int, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.data_split, signature(trial)), []).append(trial)
    writer = OneBehind[dict[str, TrialRecord]]()
    # An interactive process is never ended: it holds more than this training.
    with noted_sigterm(ends=not hasattr(sys, "ps1")) as should_stop, writer:
        training = _Training(workload, study, request.selection, should_stop, write, writer)
        for (data_split, _), group in groups.items():
            seen = load_data(group[0].workload, workload, data_split) if data_split else splits
            shares = _shares(group, devices)

            def train(
                share: Sequence[Trial],
                seen: Mapping[str, Arrays] = seen,
                together: int = len(shares),
            ) -> None:
                _train_group(training, share, seen, together)

            side_by_side(train, shares)
    records = {name: record for written in writer.done for name, record in written.items()}
    if training.errors and all(record.status == "failed" for record in records.values()):
        raise as_user_error(training.errors[0], trials[0].workload, workload)
    return records


def _shares(trials: Sequence[Trial], devices: int) -> list[list[Trial]]:
    """Split the trials of one signature into each device's share: groups of lanes in turn."""
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
    training: _Training, trials: Sequence[Trial], splits: Mapping[str, Arrays], together: int
) -> None:
    """Train the trials of one signature with one program; use fewer lanes if memory runs out.

    Args:
        training: What all trainings of the request share.
        trials: The trials.
        splits: The data that the trials see.
        together: How many devices train such trials, each with its own lanes.
    """
    workload, writer = training.workload, training.writer
    width = trials[0].lanes
    left = list(trials)
    spread = share_batches(trials[0].devices)
    placed: Placed | None = None
    program: Program | None = None
    what = f"workload '{trials[0].workload}' to initialise, to compile or to train its next steps"
    while left:
        lanes = left[:width]
        failure = ""
        try:
            # Only once: where memory ran out there is none for a second copy.
            placed = placed or place_trial(trials[0], workload, splits, spread)
            if program is None:
                writer.begin()  # compiling leaves the interpreter free for it
                like = dataclasses.replace(trials[0], lanes=width)
                with waiting_for(what, say):
                    program = Program(like, workload, placed.data, placed.examples, spread)
            with waiting_for(what, say) as came:
                trained, facts = _train_lanes(training, program, lanes, placed.host_data, came)
        except InfeasibleConfigurationError as error:
            failure = str(error)
        except (TuningPlaybookError, InterruptedTrainingError):
            raise
        except OSError as error:
            raise as_user_error(error, lanes[0].workload, workload) from error
        except (Exception, SystemExit) as error:  # a user's model may raise anything
            # It becomes the trial's reason, and its traceback is logged. The job fails with it if
            # no trial could be trained.
            if _may_be_the_devices(error):
                raise
            failure = explain(error, own_file(workload))
            if out_of_memory(error):
                failure = f"out of memory: {str(error).splitlines()[0]}"
                if width > 1:
                    logger.warning("%s; %d lanes from here on, not %d", failure, width // 2, width)
                    width, program = width // 2, None
                    continue
            else:
                logger.exception("a configuration cannot be trained")
                training.errors.append(error)
        if failure:
            program = None
            writer.give(functools.partial(_fail, training, lanes, failure))
        else:
            facts["devices"] = together * spread.parts
            given = (trained, training.study, training.selection, facts)
            writer.give(functools.partial(training.write, *given))
        left = left[width:]


def _may_be_the_devices(error: BaseException) -> bool:
    """Return whether an error may come from a broken device and not from the configuration.

    XLA reports INVALID_ARGUMENT if the program itself is wrong. With several processes, the others
    may have had no error and would wait for this one.
    """
    if not isinstance(error, jax.errors.JaxRuntimeError):
        return False
    of_the_program = out_of_memory(error) or str(error).startswith("INVALID_ARGUMENT")
    return jax.process_count() > 1 or not of_the_program


def _train_lanes(
    training: _Training,
    program: Program,
    trials: Sequence[Trial],
    host_data: Arrays | None,
    came: Callable[[], None],
) -> tuple[list[Finished], dict[str, object]]:
    """Train one group of lanes; return its trials, and how they were trained.

    Args:
        training: What all trainings of the request share.
        program: The trials' program.
        trials: The trials.
        host_data: The training split, if batches are read from the host.
        came: Called after every piece.
    """
    folders = [trial_folder(training.study, trial) / "checkpoints" for trial in trials]
    width, selection = program.trial.lanes, training.selection
    started, clock, compiled = now(), time.perf_counter(), program.compile_seconds
    saved = SavedStates(folders, width, selection, training.should_stop)
    progress = ProgressFiles(training.study, selection, saved.seconds)

    def between(lanes: Sequence[Lane], reached: Progress) -> None:
        came()
        saved.between(lanes, reached)

    trained = train_group(
        program,
        trials,
        selection,
        resume=saved.resume,
        between=between,
        evaluated=progress.evaluated,
        host_data=host_data,
        stream=stream_of(training.workload),
        under_way=training.writer.begin,
    )
    seconds = time.perf_counter() - clock
    compile_seconds = program.compile_seconds - compiled
    return trained.finished, provenance() | {
        "started": started,
        "finished": now(),
        "wall_seconds": (saved.earlier_seconds + seconds) / len(trials),
        "compile_seconds": compile_seconds / len(trials),
        **_input_facts(trained.input_seconds, len(trials)),
        "steps_per_second": trained.steps / (seconds - compile_seconds),
        "peak_memory_bytes": peak_memory_bytes(),
        "resumed_at": trained.resumed_at,
        "lanes": program.trial.lanes,
        "nodes": jax.process_count(),
    }


def _input_facts(seconds: InputSeconds | None, trials: int) -> dict[str, float]:
    """Return each trial's share of the cost of batches from the host."""
    if seconds is None:
        return {"input_wait_seconds": 0.0}
    return {
        "input_read_seconds": seconds.read / trials,
        "input_stack_seconds": seconds.stack / trials,
        "input_transfer_seconds": seconds.transfer / trials,
        "input_wait_seconds": seconds.wait / trials,
        "device_train_seconds": seconds.train / trials,
    }


def _fail(training: _Training, trials: Sequence[Trial], reason: str) -> dict[str, TrialRecord]:
    """Write the records of trials that could not run."""
    metrics = [metric.name for metric in training.workload.metrics]
    lanes = [new_lane(trial, metrics, training.selection.keep) for trial in trials]
    failed = [finish(lane, status="failed", reason=reason) for lane in lanes]
    for trial in trials:
        logger.warning("%s failed: %s", trial.id, reason)
    facts = provenance() | {"started": now(), "finished": now()}
    return training.write(failed, training.study, training.selection, facts)


def check_versions(request: PackRequest, current: Mapping[str, str]) -> None:
    """Check that code and data have the versions in the trials' fingerprints.

    Raises:
        ChangedDuringRunError: They do not.
        WorkloadError: The data differs each time that it is loaded.
    """
    trial = request.trials[0]
    changed = [name for name, version in trial.versions.items() if current[name] != version]
    if changed == ["data"] and ":" in trial.workload:
        place = [trial.workload, request.import_from, request.data_folder]
        again = ask("describe_workload", place)["description"]["versions"]["data"]
        if again != current["data"]:
            raise WorkloadError(
                f"workload '{trial.workload}': its data is another each time that it is loaded "
                f"(hashes {trial.versions['data']}, {current['data']} and {again}): draw and "
                "shuffle with a fixed seed, as np.random.default_rng(0) does, and sort what comes "
                "from a set or a folder"
            )
    if changed:
        raise ChangedDuringRunError(
            f"the {' and the '.join(changed)} of workload '{trial.workload}' changed since this "
            "job was planned; run snakemake again"
        )
