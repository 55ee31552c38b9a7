"""Save the state of the trials of a group, and go on from it: to the bit as if nothing had been."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from tuning_playbook.engine.devices import everywhere
from tuning_playbook.engine.lane import Lane, lane_of
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.trials.manifest import remove
from tuning_playbook.trials.resume_states import resume_name, resume_steps

logger = logging.getLogger(__name__)

NOTHING = -1
"""In place of a step: there is no state left to try."""


class Resumed(NamedTuple):
    """Where a group goes on.

    Attributes:
        step: Steps taken.
        state: The group's state after them.
        step_seconds: What a step took before.
        seconds: Spent on the group before.
    """

    step: int
    state: Any
    step_seconds: float
    seconds: float


def save_state(
    lanes: Sequence[Lane], folders: Sequence[Path], resumed: Resumed, width: int
) -> None:
    """Save what each lane needs to go on: its state, its numbers so far, its best variables.

    The older states go only when all new ones are there, so that there is always a step that every
    lane can go on from.
    """
    step, state, step_seconds, seconds = resumed
    state = jax.device_get(state)
    older = [resume_steps(folder) for folder in folders]
    for index, (lane, folder) in enumerate(zip(lanes, folders, strict=True)):
        saved = {
            "state": _leaves(lane_of(state, index, width)),
            "metrics": lane.metrics,
            "steps": lane.steps,
            "numbers": np.array([lane.bound, lane.diverged_at, step_seconds, seconds], np.float64),
            "reason": np.frombuffer(f"{lane.reason} ".encode(), np.uint8),
            "best": {
                f"{rank:03d}": {
                    "score_and_step": np.array([score, at], np.float64),
                    "variables": _leaves(variables),
                }
                for rank, (score, at, variables) in enumerate(lane.best)
            },
        }
        checkpoints.save(folder, resume_name(step), saved)
    for folder, steps in zip(folders, older, strict=True):
        for old in steps:
            if old != step:
                remove(folder, resume_name(old))


def resume(
    lanes: Sequence[Lane], folders: Sequence[Path], state: Any, width: int
) -> Resumed | None:
    """Fill in the lanes from the newest states that all of them have.

    A state that is damaged is passed over with a warning, and the one before it tried.

    Args:
        lanes: New ones; they are changed only if there is something to resume.
        folders: Where each trial's states were saved.
        state: The initial state of the group, whose structure the saved one must have.
        width: The lanes of the group's program, idle ones included.

    Returns:
        Where to go on, or None where the trials must start anew.
    """
    common = sorted(set.intersection(*(set(resume_steps(folder)) for folder in folders)))
    # Of several processes the first one says what is tried, and all must have it.
    while (step := everywhere(common.pop() if common else NOTHING)[0]) != NOTHING:
        saved: list[dict[str, Any]] = []
        try:
            saved = [checkpoints.restore(folder, resume_name(step)) for folder in folders]
        except ArtefactError as error:
            logger.warning("%s; it is not resumed from", error)
        if not min(everywhere(len(saved))):
            continue
        template = lane_of(state, 0, width)
        states = [_tree(item["state"], template) for item in saved]
        for lane, item in zip(lanes, saved, strict=True):
            _fill(lane, item, template.variables)
        together = states[0]
        if width > 1:
            states += [states[-1]] * (width - len(states))
            together = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
        step_seconds, seconds = map(float, saved[0]["numbers"][2:])
        return Resumed(step, together, step_seconds, seconds)
    return None


def _fill(lane: Lane, saved: Mapping[str, Any], variables: Any) -> None:
    lane.metrics = {name: np.array(saved["metrics"][name]) for name in lane.metrics}
    lane.steps = {name: np.array(saved["steps"][name]) for name in lane.steps}
    lane.bound, lane.diverged_at = float(saved["numbers"][0]), int(saved["numbers"][1])
    lane.reason = bytes(saved["reason"]).decode().rstrip()
    ranked = sorted((saved.get("best") or {}).items())
    lane.best = [
        (
            float(item["score_and_step"][0]),
            int(item["score_and_step"][1]),
            _tree(item["variables"], variables),
        )
        for _, item in ranked
    ]


def _leaves(tree: Any) -> dict[str, Any]:
    """Number the leaves of a tree; what it is made of is known again when it is restored."""
    return {f"{number:05d}": leaf for number, leaf in enumerate(jax.tree.leaves(tree))}


def _tree(leaves: Mapping[str, Any], template: Any) -> Any:
    structure = jax.tree.structure(template)
    return jax.tree.unflatten(structure, [leaves[name] for name in sorted(leaves)])
