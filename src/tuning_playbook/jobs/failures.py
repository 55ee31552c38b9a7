"""Report which trials a run of Snakemake could not train, why, and what to do.

A job that its cluster kills cannot report anything itself. Snakemake's records name the failed
jobs, the study's plan names their trials, and the trials' own records show which are trained.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from tuning_playbook.errors import ArtefactError
from tuning_playbook.planning.plan import Plan
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_json import read_trial_json

TRAINING_RULES = ("train_pack", "train_round", "train_reruns", "train_set_back")

# No record holds Slurm's job state as data. Snakemake's executor puts a job's state into the text
# of its error message, and only Slurm's log shows that a step of the job was killed. Slurm itself
# answers queries only on clusters with accounting.
STATE = re.compile(r"SLURM status is: '(\w+)'")
STEP_OUT_OF_MEMORY = re.compile(r"exceeded memory limit|oom[_-]kill|out of memory", re.IGNORECASE)

FAILED = re.compile(r"^\S+ \S+ ERROR ", re.MULTILINE)
"""The line in a job's log that reports its failure."""

STOPPED = re.compile(r"^\S+ \S+ WARNING (stopped|the job was ended)", re.MULTILINE)
"""The line in a job's log that reports that it was told to stop."""

REASONS = {
    "OUT_OF_MEMORY": (
        "took more memory than it had asked for",
        "raise resources.memory_mb in the spec, or lower resources.lanes",
    ),
    "TIMEOUT": (
        "reached its time limit",
        "raise resources.runtime_minutes in the spec, or lower resources.trials_per_job; it goes "
        "on from its last saved state",
    ),
    "CANCELLED": ("was cancelled", "run snakemake again; it goes on from its last saved state"),
    "NODE_FAIL": ("lost its node", "run snakemake again; it goes on from its last saved state"),
}
"""What happened to a job, by the state that Slurm reports, and what to do."""


@dataclass(frozen=True)
class FailedJob:
    """A training job whose last attempt failed.

    Attributes:
        wildcards: The wildcards of its rule: its study, and which of the study's jobs it is.
        output: Its pack file.
        logs: Its own log; then the cluster's, if it ran on one.
        message: The message of Snakemake's executor about its end; empty if there is none.
    """

    wildcards: Mapping[str, str]
    output: str
    logs: tuple[str, ...]
    message: str

    @property
    def state(self) -> str:
        """Return the state that explains its failure, maybe that of a step; empty without Slurm."""
        if any(STEP_OUT_OF_MEMORY.search(_text(log)) for log in self.logs[1:]):
            return "OUT_OF_MEMORY"
        found = STATE.search(self.message)
        return found[1] if found else ""


class FailedJobs(logging.Handler):
    """Collects the training jobs that fail, as a handler of Snakemake's logger.

    It sees every record, including those that `--quiet` hides.
    """

    def __init__(self) -> None:
        super().__init__()
        self._begun: dict[int, Mapping[str, str]] = {}
        self._failed: dict[int, FailedJob] = {}

    @property
    def jobs(self) -> tuple[FailedJob, ...]:
        """Return the jobs that failed and were not restarted, in the order in which they ended."""
        return tuple(self._failed.values())

    def emit(self, record: logging.LogRecord) -> None:
        """Note the start or failure of a training job."""
        said = vars(record)
        match said.get("event"):
            case LogEvent.JOB_INFO if said["rule_name"] in TRAINING_RULES:
                self._begun[said["jobid"]] = dict(said["wildcards"])
                self._failed.pop(said["jobid"], None)
            case LogEvent.JOB_ERROR if said["jobid"] in self._begun:
                self._failed[said["jobid"]] = FailedJob(
                    self._begun[said["jobid"]],
                    said["output"][0],
                    tuple(filter(None, said["log"])),
                    said["rule_msg"] or "",
                )


class NothingToDo(logging.Handler):
    """Calls a function when Snakemake logs that it has nothing to do; there is no hook for that.

    Args:
        sentence: Snakemake's message in that case.
        then: The function to call.
    """

    def __init__(self, sentence: str, then: Callable[[], None]) -> None:
        super().__init__()
        self._sentence, self._then = sentence, then

    def emit(self, record: logging.LogRecord) -> None:
        """Look for the sentence."""
        if record.getMessage() == self._sentence:
            self._then()


def failure_lines(
    jobs: Sequence[FailedJob], plan_of: Callable[[str], Plan], results: Path
) -> Iterator[str]:
    """Yield the lines that report failed training jobs at the end of a run.

    Args:
        jobs: The jobs.
        plan_of: Returns the plan of a study by its name.
        results: The folder of the results of all studies.
    """
    if not jobs:
        return
    yield "These trials have no result; all that is trained is kept:"
    for job in jobs:
        study = job.wildcards["study"]
        trials = _untrained(job, plan_of(study), results / study)
        what, remedy = REASONS.get(job.state) or _without_slurm(job)
        yield f"  {job.output} ({trials}): the job {what}. What to do: {remedy}."
    yield (
        "Run snakemake again to train them. For a report of what there is meanwhile, which "
        "decides nothing, add incomplete=report to --config."
    )


def _untrained(job: FailedJob, plan: Plan, folder: Path) -> str:
    """Return the trials that a job should have trained and did not finish, as text."""
    try:
        trials = _asked_for(job.wildcards, plan, folder)
    except (OSError, ValueError, LookupError):  # its request no longer exists
        return "trials unknown"
    missing = [trial.id for trial in trials if not _is_trained(trial, folder)]
    return ", ".join(missing) or "its trials are trained"


def _asked_for(job: Mapping[str, str], plan: Plan, folder: Path) -> Sequence[Trial]:
    """Return the trials that a job was asked to train: planned, proposed or chosen.

    Raises:
        OSError, ValueError, LookupError: The job does not exist, or its input cannot be read.
    """
    match job:
        case {"round": name, "part": part}:
            round_ = plan.rounds[name]
            proposed = _read(folder / round_.proposal)["trials"]
            return [trial_from_json(item) for item in proposed[slice(*round_.parts[int(part)])]]
        case {"rerun": name}:
            pack = plan.rerun_packs[name]
            chosen = (
                _read(folder / "reruns/choice.json")["arms"].get(pack.arm, {}).get("trials", [])
            )
            return [trial_from_json(chosen[n]) for n in pack.reruns if n < len(chosen)]
        case {"part": number}:
            changes = _read(folder / "set_back/choice.json")["changes"]
            return [trial_from_json(change["trials"][int(number)]) for change in changes]
        case _:
            name = job["pack"]
            return (plan.packs.get(name) or plan.replicate_packs[name]).trials


def _is_trained(trial: Trial, folder: Path) -> bool:
    """Return whether a trial has a final record; a failed trial is trained again."""
    try:
        record = read_trial_json(folder / "trials" / trial.id)
    except ArtefactError:
        return False
    return bool(record["fingerprint"] == trial.fingerprint and record["status"] != "failed")


def _without_slurm(job: FailedJob) -> tuple[str, str]:
    """Return what happened to a job without a Slurm state, and what to do.

    A job that ends itself writes the reason to its log. A killed one cannot.
    """
    look = _where_to_look(job)
    words = _text(job.logs[0]) if job.logs else ""
    if STOPPED.search(words):
        return "was told to stop", "run snakemake again; it goes on from its last saved state"
    if words and not FAILED.search(words):
        return (
            "was killed, as the kernel does where memory runs out",
            f"ask for fewer lanes (resources.lanes), fewer cores or more memory; {look}",
        )
    return "failed", look


def _where_to_look(job: FailedJob) -> str:
    """Return what to read about a job whose failure has no known reason."""
    written = [log for log in job.logs if Path(log).exists()]
    return f"see its log, {written[0]}" if written else "see what Snakemake says of it above"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _text(path: str) -> str:
    """Return the text of a log; empty if it no longer exists."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
