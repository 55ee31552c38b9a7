"""Save the state of a group's trials, and resume from it with bit-identical results."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tuning_playbook.engine.devices import everywhere
from tuning_playbook.engine.lane import Lane, lane_of
from tuning_playbook.engine.run import Progress
from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.errors import ArtefactError, InterruptedTrainingError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.processes import writes
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.manifest import remove
from tuning_playbook.trials.record import EVALUATED_SPLITS
from tuning_playbook.trials.resume_states import resume_name, resume_steps

logger = logging.getLogger(__name__)

NOTHING = -1
"""Stands for a step when no state is left to try."""

RESUME_SECONDS = 40.0
"""The state is saved at the end of the first piece after this long. Including the next piece, a
kill repeats less than a minute of training."""


@dataclass
class SavedStates:
    """The states that a group of lanes saves now and then, and resumes from.

    Attributes:
        folders: Where each trial's states are saved.
        width: The lanes of the group's program, idle ones included.
        selection: Which variables of a trial are kept.
        should_stop: Called after every piece; True saves the states and ends the training.
        earlier_seconds: How long earlier, interrupted processes took.
    """

    folders: Sequence[Path]
    width: int
    selection: CheckpointSelection
    should_stop: Callable[[], bool]
    earlier_seconds: float = 0.0
    _begun: float = field(default_factory=time.perf_counter)
    _saved: float = field(default_factory=time.monotonic)

    def resume(self, lanes: Sequence[Lane], state: Any) -> Progress | None:
        """Fill new lanes from the newest states that all of them have; return the progress.

        A state that is damaged or belongs to another trial is skipped with a warning, and the state
        before it is tried.

        Args:
            lanes: New lanes; they are changed only if there is something to resume.
            state: The initial state of the group; the saved one must have its structure.

        Returns:
            Where to continue; None if the trials must start from the beginning.
        """
        common = sorted(set.intersection(*(set(resume_steps(path)) for path in self.folders)))
        # The first of several processes decides which state to try, and all must have it.
        while (step := everywhere(common.pop() if common else NOTHING)[0]) != NOTHING:
            saved: list[dict[str, Any]] = []
            try:
                pairs = zip(lanes, self.folders, strict=True)
                saved = [_restore(path, step, lane.trial.fingerprint) for lane, path in pairs]
            except ArtefactError as error:
                logger.warning("%s; it is not resumed from", error)
            if not min(everywhere(len(saved))):
                continue
            template = lane_of(state, 0, self.width)
            states = [_tree(item["state"], template) for item in saved]
            for lane, item in zip(lanes, saved, strict=True):
                _fill(lane, item, template.variables, self.selection)
            together = states[0]
            if self.width > 1:
                states += [states[-1]] * (self.width - len(states))
                together = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
            step_seconds, self.earlier_seconds = map(float, saved[0]["numbers"][2:])
            logger.info("resumed %s at step %d", " ".join(lane.trial.id for lane in lanes), step)
            return Progress(step, together, step_seconds)
        return None

    def seconds(self) -> float:
        """Return how long the group has taken so far, including interrupted processes."""
        return self.earlier_seconds + time.perf_counter() - self._begun

    def between(self, lanes: Sequence[Lane], progress: Progress) -> None:
        """Save the states if it is time, or if the training must stop.

        Raises:
            InterruptedTrainingError: The training must stop; the states are saved.
        """
        stop = bool(max(everywhere(self.should_stop())))
        if not stop and time.monotonic() - self._saved <= RESUME_SECONDS:
            return
        if writes():
            self._save(lanes, progress)
        self._saved = time.monotonic()
        if stop:
            raise InterruptedTrainingError(f"stopped after step {progress.step}; it is saved")

    def _save(self, lanes: Sequence[Lane], progress: Progress) -> None:
        """Save what each lane needs to resume: its state, its numbers so far, its best variables.

        Older states are removed only when all new ones exist, so that there is always a step from
        which every lane can resume.
        """
        step, state, step_seconds = progress
        seconds = self.seconds()
        state = jax.device_get(state)
        older = [resume_steps(folder) for folder in self.folders]
        for index, (lane, folder) in enumerate(zip(lanes, self.folders, strict=True)):
            numbers = [lane.bound, lane.diverged_at, step_seconds, seconds]
            saved = {
                "state": _leaves(lane_of(state, index, self.width)),
                "metrics": lane.metrics,
                "steps": lane.steps,
                "numbers": np.array(numbers, np.float64),
                "reason": np.frombuffer(f"{lane.reason} ".encode(), np.uint8),
                "fingerprint": np.frombuffer(lane.trial.fingerprint.encode(), np.uint8),
                "best": {
                    f"{rank:03d}": {
                        "step": np.array(at, np.int64),
                        "variables": _leaves(variables),
                    }
                    for rank, (_, at, variables) in enumerate(lane.best)
                },
            }
            checkpoints.save(folder, resume_name(step), saved)
        for folder, steps in zip(self.folders, older, strict=True):
            for old in steps:
                if old != step:
                    remove(folder, resume_name(old))


def _restore(folder: Path, step: int, fingerprint: str) -> dict[str, Any]:
    """Return the state of a trial after a step.

    Raises:
        ArtefactError: It is damaged, or it belongs to another trial.
    """
    saved = checkpoints.restore(folder, resume_name(step))
    whose = saved.get("fingerprint")
    if whose is None or bytes(whose).decode(errors="replace") != fingerprint:
        raise ArtefactError(f"{folder / resume_name(step)}: it is not the state of this trial")
    return saved


def _fill(
    lane: Lane, saved: Mapping[str, Any], variables: Any, selection: CheckpointSelection
) -> None:
    """Fill a lane; rank its best variables again, because the objective may have changed."""
    lane.metrics = {name: np.array(saved["metrics"][name]) for name in lane.metrics}
    lane.steps = {name: np.array(saved["steps"][name]) for name in lane.steps}
    lane.bound, lane.diverged_at = float(saved["numbers"][0]), int(saved["numbers"][1])
    lane.reason = bytes(saved["reason"]).decode().rstrip()
    split, _, metric = selection.metric.partition("/")
    values = lane.metrics[metric][:, EVALUATED_SPLITS.index(split)]
    steps = evaluation_steps(lane.trial).tolist()
    kept = [
        (int(item["step"]), _tree(item["variables"], variables))
        for item in (saved.get("best") or {}).values()
    ]
    ranked = [(selection.score(float(values[steps.index(at)])), at, best) for at, best in kept]
    lane.best = sorted(ranked, key=lambda item: item[:2])[: lane.keep]


def _leaves(tree: Any) -> dict[str, Any]:
    """Number the leaves of a tree; its structure is known again when it is restored."""
    return {f"{number:05d}": leaf for number, leaf in enumerate(jax.tree.leaves(tree))}


def _tree(leaves: Mapping[str, Any], template: Any) -> Any:
    structure = jax.tree.structure(template)
    return jax.tree.unflatten(structure, [leaves[name] for name in sorted(leaves)])
