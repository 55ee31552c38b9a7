"""Which trials a run of Snakemake could not train, why, and what to do: told by its log.

A job that its cluster kills says nothing itself. Snakemake's log names its files and the state that
Slurm gave it; the job's own log, its trials.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^Error in rule train_(?:pack|round|reruns):\n((?:    .*\n?)+)", re.MULTILINE)
FIELD = re.compile(r"^    (output|log): (.*?)(?: \(check log.*)?$", re.MULTILINE)
STATE = re.compile(r"SLURM status is: '(\w+)'")

OUT_OF_MEMORY = re.compile(r"exceeded memory limit|oom[_-]kill|out of memory", re.IGNORECASE)
"""What Slurm writes into the log of a job when it kills a step of it; the job itself fails then."""

TO_TRAIN = re.compile(r" to train \d+ trials: (.*)")
FINISHED = re.compile(r" ([0-9a-f]{10}) (?:completed|diverged)\b")

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
"""What became of a job, by the state that Slurm gives it, and what to do."""


@dataclass(frozen=True)
class Failure:
    """A training job that failed.

    Attributes:
        output: Its pack file.
        logs: Its own log, and Slurm's of it.
        state: What Slurm says of it; empty where it did not run on Slurm.
    """

    output: str
    logs: tuple[str, ...]
    state: str

    @property
    def trials(self) -> tuple[str, ...]:
        """Return the trials that it was to train and did not finish, as its log names them."""
        text = _text(self.logs[0]) if self.logs else ""
        asked = TO_TRAIN.search(text)
        finished = set(FINISHED.findall(text))
        listed = asked[1].split() if asked and asked[1] != "none" else []
        return tuple(trial for trial in listed if trial not in finished)

    @property
    def reason(self) -> str:
        """Return the state that says why it failed, which may be that of a step of the job."""
        if any(OUT_OF_MEMORY.search(_text(log)) for log in self.logs[1:]):
            return "OUT_OF_MEMORY"
        return self.state

    def __str__(self) -> str:
        own = f"see its log, {self.logs[0]}" if self.logs else "see its log"
        what, remedy = REASONS.get(self.reason, ("failed", own))
        trials = ", ".join(self.trials) or "trials unknown"
        return f"{self.output} ({trials}): the job {what}. What to do: {remedy}."


def read_failures(text: str) -> list[Failure]:
    """Return the training jobs whose last attempt failed, from the text of Snakemake's log.

    Example:
        >>> log = '''Error in rule train_pack:
        ...     message: SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Reason: Unknown.
        ...     jobid: 2
        ...     output: results/small/packs/0123456789.nc
        ...     log: logs/a.log, /slurm/7.log (check log file(s) for error details)
        ... '''
        >>> read_failures(log)  # doctest: +NORMALIZE_WHITESPACE
        [Failure(output='results/small/packs/0123456789.nc', logs=('logs/a.log', '/slurm/7.log'),
         state='TIMEOUT')]
    """
    failures: dict[str, Failure] = {}
    for block in BLOCK.findall(text):
        fields = dict(FIELD.findall(block))
        output, logs = fields.get("output", ""), tuple(fields.get("log", "").split(", "))
        state = STATE.search(block)
        # The log of a job on a cluster is shown below, with a block of its own that has no state.
        if state or output not in failures:
            failures[output] = Failure(output, logs, state[1] if state else "")
    return [item for item in failures.values() if not Path(item.output).exists()]


def tell(failures: list[Failure]) -> Iterator[str]:
    """Yield what a person is told in the end of the training jobs that failed."""
    if failures:
        yield "These trials have no result; all that is trained is kept:"
        yield from (f"  {failure}" for failure in failures)
        yield (
            "Run snakemake again to train them. For a report of what there is meanwhile, which "
            "decides nothing, add incomplete=report to --config."
        )


def _text(path: str) -> str:
    """Return the text of a log; none where it is gone."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
