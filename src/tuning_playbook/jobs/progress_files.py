"""Write the progress of training trials: a line per evaluation, and now and then a log line."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuning_playbook.engine.lane import Lane
from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.jobs.processes import writes
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.progress import Evaluation, append_progress, begin_progress
from tuning_playbook.trials.record import EVALUATED_SPLITS
from tuning_playbook.trials.trial import Trial
from tuning_playbook.trials.trial_files import current_trial_json, trial_folder

logger = logging.getLogger(__name__)

LOG_SECONDS = 10.0
"""Seconds in which a job's log gets at most one line of progress."""


@dataclass
class ProgressFiles:
    """Writes the results of each evaluation of a group of lanes.

    Attributes:
        study: The study's folder of results.
        selection: Names the metric in the log.
        seconds: Returns how long the group has taken so far.
    """

    study: Path
    selection: CheckpointSelection
    seconds: Callable[[], float]
    _begun: tuple[int, float] | None = None
    _finished: set[str] = field(default_factory=set)
    _logged: float = field(default_factory=time.monotonic)

    def evaluated(self, lanes: Sequence[Lane], step: int) -> None:
        """Append the evaluation to the file of each trial that has not diverged.

        A finished trial that is trained again for its checkpoint keeps its file unchanged.

        Args:
            lanes: The group's trials.
            step: The step of the evaluation.
        """
        if not writes():
            return
        now = self.seconds()
        if self._begun is None:
            self._begun = (step, now)
            self._finished = {lane.trial.id for lane in lanes if self._is_finished(lane.trial)}
            for lane in lanes:
                if lane.trial.id not in self._finished:
                    begin_progress(trial_folder(self.study, lane.trial), step)
        for lane in lanes:
            if not lane.diverged and lane.trial.id not in self._finished:
                measured = Evaluation(step, _metrics(lane, step), now)
                append_progress(trial_folder(self.study, lane.trial), measured)
        if time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            self._log(lanes, step, now)

    def _is_finished(self, trial: Trial) -> bool:
        content = current_trial_json(self.study, trial)
        return content is not None and content["status"] != "failed"

    def _log(self, lanes: Sequence[Lane], step: int, now: float) -> None:
        """Log the step, the group's best objective, and the time left at the current speed."""
        assert self._begun is not None
        first, then = self._begun
        last = lanes[0].trial.max_train_steps
        steps = f"{step:,}", f"{last:,}"
        left = (now - then) / max(step - first, 1) * (last - step)
        best = min((lane.best[0][:2] for lane in lanes if lane.best), default=None)
        reached = "no finite evaluation yet"
        if best is not None:
            value = self.selection.score(best[0])  # applying score twice gives the value back
            reached = f"best {self.selection.metric} {value:.4g}, at step {best[1]:,}"
        names = " ".join(lane.trial.id for lane in lanes)
        logger.info("%s: step %s of %s; %s; about %.0f s left", names, *steps, reached, left)


def _metrics(lane: Lane, step: int) -> dict[str, float]:
    row = evaluation_steps(lane.trial).tolist().index(step)
    return {
        f"{split}/{name}": float(values[row, column])
        for name, values in lane.metrics.items()
        for column, split in enumerate(EVALUATED_SPLITS)
    }
