"""The variables of a trial's best step: from its checkpoint, or by training the trial again.

A trial keeps the checkpoints that were best by the objective it was trained under. By another
metric its best step may have no checkpoint. Then the trial is trained once more, to the same bits,
and the missing checkpoint is saved beside the others. The same happens where the checkpoint is
damaged or belongs to another trial.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from tuning_playbook.dataset.best_checkpoints import kept_steps
from tuning_playbook.engine.run import Finished
from tuning_playbook.errors import ArtefactError
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.groups import train_request, write_checkpoints
from tuning_playbook.jobs.load_workload import load_workload
from tuning_playbook.trials.checkpoint_selection import CheckpointSelection
from tuning_playbook.trials.claims import claimed
from tuning_playbook.trials.manifest import BEST
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.request import PackRequest
from tuning_playbook.trials.resume_states import remove_resumes
from tuning_playbook.trials.trial_files import (
    best_hash,
    best_is_damaged,
    check_best,
    trial_folder,
)
from tuning_playbook.trials.trial_json import read_trial_json, write_trial_json

logger = logging.getLogger(__name__)


def best_variables(study: Path, request: PackRequest, step: int) -> dict[str, Any]:
    """Return the variables of a finished trial's best step.

    Args:
        study: The study's folder of results.
        request: One trial, with the objective that ranks the step as its best.
        step: The step.

    Raises:
        ArtefactError: The trial, trained again, failed, or has other numbers or another best.
    """
    (trial,) = request.trials
    folder = trial_folder(study, trial)
    if step not in _whole_steps(folder):
        logger.info(
            "trial %s kept no checkpoint of step %d, its best by %s: it is trained again",
            *(trial.id, step, request.selection.metric),
        )
        with claimed(request.trials, study):
            train_request(request, study, write=_keep_checkpoints)
    found: Mapping[str, Any] = _restore(folder, _initial_shapes(request))
    if f"step_{step}" not in found:
        raise ArtefactError(
            f"{folder}: trained again, the trial has no checkpoint of step {step}; remove the "
            "folder and its pack, and run snakemake again"
        )
    variables: dict[str, Any] = jax.tree.map(jnp.asarray, found[f"step_{step}"])
    return variables


def _keep_checkpoints(
    finished: Sequence[Finished],
    study: Path,
    selection: CheckpointSelection,
    facts: Mapping[str, object],
) -> dict[str, TrialRecord]:
    """Save the checkpoints of trials that were trained again; all their other files exist already.

    Raises:
        ArtefactError: A trial failed or has other numbers than before, so its variables are not
            those that the datasets describe.
    """
    del facts
    for item in finished:
        folder = trial_folder(study, item.trial)
        content = read_trial_json(folder)
        if item.record.status == "failed":
            raise ArtefactError(
                f"{folder}: trained again for a checkpoint that it did not keep, the trial failed "
                f"({item.record.reason}); its numbers are as they were. Run snakemake again where "
                "it can be trained"
            )
        if content["numbers_sha256"] != item.record.sha256:
            raise ArtefactError(
                f"{folder}: trained again for a checkpoint that it did not keep, the trial has "
                "other numbers than before; was it trained on another kind of machine? Remove the "
                "folder and its pack, and run snakemake again: it is trained anew"
            )
        kept = _whole_steps(folder)
        write_checkpoints(item, study, selection, _restore(folder) if kept else {})
        steps = [*kept, *(step for step, _ in item.best)]
        write_trial_json(
            folder, content | {"kept_steps": list(dict.fromkeys(steps))} | best_hash(folder)
        )
        remove_resumes(folder / "checkpoints")
    return {item.trial.id: item.record for item in finished}


def _initial_shapes(request: PackRequest) -> Any:
    """Return the shapes of the trial's initial variables."""
    (trial,) = request.trials
    workload = load_workload(trial.workload, request.import_from, request.data_folder)
    own = {item.name: trial.hyperparameters[item.name] for item in workload.hyperparameters}
    return jax.eval_shape(lambda: dict(workload.init(jax.random.key(0), own)))


def _whole_steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints that a trial keeps; none where they are damaged."""
    return [] if best_is_damaged(folder) else kept_steps(folder)


def _restore(folder: Path, like: Any = None) -> dict[str, Any]:
    check_best(folder)
    return checkpoints.restore(folder / "checkpoints", BEST, like)
