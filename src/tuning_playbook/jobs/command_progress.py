"""Write a running command's progress to `progress.jsonl`, from its measurement file."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tuning_playbook.jobs.command_measurements import Tail
from tuning_playbook.trials.progress import (
    Evaluation,
    append_progress,
    begin_progress,
    read_progress,
)


@dataclass
class CommandProgress:
    """Writes what a command has measured since the last look, one line per step.

    Attributes:
        folder: The trial's folder.
        tail: Returns the new measurements.
        clock: When the command was started.
        before: The evaluations of its earlier starts.
    """

    folder: Path
    tail: Tail
    clock: float = field(default_factory=time.monotonic)
    before: tuple[Evaluation, ...] = ()
    _last: Evaluation | None = None

    def look(self) -> None:
        """Write the new measurements."""
        found: dict[int, dict[str, float]] = {}
        for step, measured in self.tail.new_rows():
            metrics = {name: value for name, value in measured.items() if "/" in name}
            if metrics:
                found.setdefault(step, {}).update(metrics)
        for step, metrics in found.items():
            self._write(step, metrics)

    def seconds_before(self, step: int) -> float:
        """Return how long earlier starts of the command had taken before a step."""
        return max((item.seconds for item in self.before if item.step < step), default=0.0)

    def _write(self, step: int, metrics: Mapping[str, float]) -> None:
        last = self._last
        if last is None or step <= last.step:  # it begins here, or measures a step again
            begin_progress(self.folder, step)
        if last is not None and step == last.step:  # one step may have several rows
            metrics = {**last.metrics, **metrics}
        seconds = self.seconds_before(step) + time.monotonic() - self.clock
        self._last = Evaluation(step, metrics, seconds)
        append_progress(self.folder, self._last)


def progress_of(folder: Path, tail: Tail) -> CommandProgress:
    """Return the progress writer of a command that is started now."""
    return CommandProgress(folder, tail, before=read_progress(folder))
