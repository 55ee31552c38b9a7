"""Train trials with a user's command: an engine like ours, whose numbers are its own.

trials/<trial>/script/         `{folder}`: the script's own folder, kept for its checkpoints
trials/<trial>/output.log      what the command printed
trials/<trial>/starts.jsonl    when it was started, and how long its measurements were then
trials/<trial>/progress.jsonl  what it measured while it ran
"""

import contextlib
import json
import logging
import os
import platform
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import Value
from tuning_playbook.errors import (
    ChangedDuringRunError,
    InterruptedTrainingError,
    WorkloadError,
)
from tuning_playbook.jobs.command_measurements import (
    Measured,
    complete_last_line,
    read_measurements,
    tail_of,
)
from tuning_playbook.jobs.command_process import Ending, locked, run_command
from tuning_playbook.jobs.command_progress import progress_of
from tuning_playbook.jobs.command_record import record_of
from tuning_playbook.jobs.environment import git_commit, machine_type, now
from tuning_playbook.jobs.job import USERS_PYTHONPATH
from tuning_playbook.jobs.sigterm import noted_sigterm
from tuning_playbook.study.command_file import Command, read_command
from tuning_playbook.study.placeholders import fill
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.trial import Trial
from tuning_playbook.trials.trial_files import trial_folder, write_trial

logger = logging.getLogger(__name__)

SCRIPT, OUTPUT, STARTS = "script", "output.log", "starts.jsonl"

LOCK = "script.lock"

LONGEST_REASON = 200
"""Most characters of the command's last line that a reason quotes."""


def train_commands(
    request: PackRequest, study: Path, *, threads: int = 1, pack: str = ""
) -> dict[str, TrialRecord]:
    """Train trials with a command, one after the other; return their records by id.

    A trial whose command fails is a failed trial with a reason; the others continue.

    Args:
        request: The trials, and where the YAML file of their command is.
        study: The study's folder of results.
        threads: The job's CPU cores, which are recorded.
        pack: The name of their pack in the study's folder.

    Raises:
        ChangedDuringRunError: The command or a file of it is not what the trials were planned with.
        InterruptedTrainingError: The job was told to stop.
        WorkloadError: The command cannot be run at all.
    """
    path = Path(request.import_from) / request.trials[0].workload
    records = {}
    with noted_sigterm() as should_stop:
        for trial in request.trials:
            if should_stop():
                raise InterruptedTrainingError("stopped before the next trial began")
            command = read_command(path)
            check_version(trial, command)
            record, facts = train_trial(trial, command, study, should_stop)
            write_trial(
                study,
                trial,
                record,
                kept_steps=(),
                provenance=facts | {"threads": threads},
                pack=pack,
            )
            level = logging.INFO if record.status == "completed" else logging.WARNING
            reason = f": {record.reason}" if record.reason else ""
            logger.log(level, "%s %s%s", trial.id, record.status, reason)
            records[trial.id] = record
    return records


def check_version(trial: Trial, command: Command) -> None:
    """Check that a command is the one that a trial was planned with.

    Raises:
        ChangedDuringRunError: It is not.
    """
    if dict(trial.versions) != command.versions():
        raise ChangedDuringRunError(
            f"{command.path}: the command or one of its 'files' changed since this job was "
            "planned; run snakemake again"
        )


def train_trial(
    trial: Trial, command: Command, study: Path, should_stop: Callable[[], bool]
) -> tuple[TrialRecord, dict[str, Any]]:
    """Run a command for one trial; return the trial's record and how it was trained.

    Args:
        trial: The trial.
        command: The command that trains it.
        study: The study's folder of results.
        should_stop: Returns whether the job was told to stop.

    Raises:
        InterruptedTrainingError: The job was told to stop.
        WorkloadError: The command cannot be run.
    """
    folder = trial_folder(study, trial).resolve()
    script = folder / SCRIPT
    script.mkdir(parents=True, exist_ok=True)
    values = values_of(trial, script)
    environment = environment_of(command, values)
    arguments = program(command, [fill(text, values) for text in command.arguments], environment)
    measurements = script / command.measurements
    measurements.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK) as lock:
        starts = [*_read_starts(folder), complete_last_line(measurements)]
        started = now()
        _append(folder / STARTS, {"offset": starts[-1], "started": started})
        if len(starts) > 1:
            logger.info("%s: start %d of its command; {folder} is kept", trial.id, len(starts))
        tail = tail_of(measurements, command, starts[-1])
        progress = progress_of(folder, tail)
        ending = run_command(
            arguments,
            folder=command.path.parent,
            environment=environment,
            output=folder / OUTPUT,
            lock=lock,
            timeout=None if command.timeout_minutes is None else 60 * command.timeout_minutes,
            should_stop=should_stop,
            look=progress.look,
        )
        if ending.cause == "stopped":
            raise InterruptedTrainingError(
                f"{trial.id}: its command was ended because the job was asked to stop; {{folder}} "
                "is kept, and the next run starts the command there again"
            )
        if tail.shrunk:  # the file was written anew
            starts = [0]
            _append(folder / STARTS, {"offset": 0, "started": started})
    whole = ending.cause == "ended" and ending.status >= 0
    measured = read_measurements(measurements, command, starts, whole=whole)
    resumed = _log_measured(trial, command, measured)
    earlier = progress.seconds_before(resumed)
    said = without_places(last_line(folder / OUTPUT), script, study, command)
    record = record_of(trial, command, measured, ending, said[:LONGEST_REASON])
    return record, _facts(trial, command, ending, started, resumed, earlier)


def values_of(trial: Trial, folder: Path) -> dict[str, Value]:
    """Return the values that a command's arguments may refer to, by name."""
    return {
        **trial.hyperparameters,
        "seed": trial.seed,
        "max_train_steps": trial.max_train_steps,
        "batch_size": trial.batch_size,
        "eval_every": trial.eval_every,
        "folder": str(folder),
    }


def environment_of(command: Command, values: Mapping[str, Value]) -> dict[str, str]:
    """Return a command's environment: the user's, with the additions of the command's file.

    A workflow adds this package to PYTHONPATH; the command gets the user's own value.
    """
    environment = dict(os.environ)
    if USERS_PYTHONPATH in environment:
        environment.pop("PYTHONPATH", None)
        if given := environment.pop(USERS_PYTHONPATH):
            environment["PYTHONPATH"] = given
    added = {name: fill(text, values) for name, text in command.environment.items()}
    return environment | added


def program(command: Command, arguments: list[str], environment: Mapping[str, str]) -> list[str]:
    """Return the program and arguments that run a command, in its conda environment if it has one.

    Raises:
        WorkloadError: There is no such program.
    """
    if command.conda:
        conda = environment.get("CONDA_EXE") or shutil.which("conda", path=environment.get("PATH"))
        if not conda:
            raise WorkloadError(
                f"{command.path}: conda: there is no conda here to run the command in "
                f"'{command.conda}'; put it on PATH, or take 'conda' away"
            )
        named = "--prefix" if "/" in command.conda else "--name"
        return [conda, "run", "--no-capture-output", named, command.conda, *arguments]
    first = arguments[0]
    beside = command.path.parent / first
    found = beside if "/" in first else shutil.which(first, path=environment.get("PATH"))
    if not found or not os.access(found, os.X_OK):
        raise WorkloadError(
            f"{command.path}: command: there is no program '{first}' that can be run: "
            + ("make that file executable" if beside.exists() else "is it installed, and on PATH?")
        )
    return arguments


def last_line(output: Path) -> str:
    """Return the last line of a command's output that is not empty."""
    with output.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 4096))
        text = file.read().decode(errors="replace")
    lines = [line for part in text.splitlines() if (line := _printable(part).strip())]
    return lines[-1] if lines else ""


def without_places(text: str, script: Path, study: Path, command: Command) -> str:
    """Return a text without this machine's folders: it becomes part of a trial's record.

    An archive removes them from its texts, and the record there must be the same.

    Args:
        text: What the command said.
        script: The trial's `{folder}`.
        study: The study's folder of results.
        command: The command.
    """
    places = {
        script: "{folder}",
        study.resolve(): "results",
        study.resolve().parent: "results",
        command.path.parent.resolve(): ".",
        Path.cwd(): ".",
        Path.home(): "~",
    }
    for place in sorted(map(str, places), key=len, reverse=True):
        if place != "/":
            text = text.replace(place, places[Path(place)])
    return text


def _printable(text: str) -> str:
    """Return a line without terminal colour codes."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return "".join(letter if letter.isprintable() else " " for letter in plain)


def _log_measured(trial: Trial, command: Command, measured: Measured) -> int:
    """Log what a reader should know; return the step at which the command resumed."""
    if measured.unreadable:
        logger.warning(
            "%s: %d lines of %s are no measurements, the first: %r",
            *(trial.id, measured.unreadable, command.measurements, measured.example),
        )
    beyond = max((max(column, default=0) for column in measured.values.values()), default=0)
    if beyond > trial.max_train_steps:
        logger.warning(
            "%s: it measured until step %d; what is after max_train_steps (%d) does not count",
            *(trial.id, beyond, trial.max_train_steps),
        )
    if measured.again is None:
        return 0
    step, before = measured.again
    if step == measured.first:
        logger.warning(
            "%s: the command began again at step %d after it had reached step %d: it does not "
            "resume from {folder}",
            *(trial.id, step, before),
        )
        return 0
    logger.info("%s: the command went on at step %d, after step %d", trial.id, step, before)
    return min(step, before)


def _facts(
    trial: Trial, command: Command, ending: Ending, started: str, resumed: int, earlier: float
) -> dict[str, Any]:
    return {
        "host": platform.node(),
        "machine": machine_type(),
        "backend": "command",
        "python": platform.python_version(),
        "versions": {},
        "git_commit": git_commit(),
        "command": list(command.arguments),
        "started": started,
        "finished": now(),
        "wall_seconds": earlier + ending.seconds,
        "cpu_seconds": ending.cpu_seconds,
        "steps_per_second": (trial.max_train_steps - resumed) / max(ending.seconds, 1e-9),
        "peak_memory_bytes": ending.peak_memory_bytes,
        "resumed_at": resumed,
        "lanes": 1,
        "devices": 1,
        "nodes": 1,
    }


def _read_starts(folder: Path) -> list[int]:
    """Return the length of the measurements at each start of the command."""
    try:
        lines = (folder / STARTS).read_text().splitlines()
    except FileNotFoundError:
        return []
    offsets = []
    for line in lines:
        with contextlib.suppress(ValueError, LookupError, TypeError):  # a kill cut the line
            offsets.append(int(json.loads(line)["offset"]))
    return offsets


def _append(path: Path, content: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")
