"""Train a configuration once more, on training and validation data together.

No data is left to choose a checkpoint by, so it trains for as many steps as the best checkpoint
had, with the learning-rate schedule of the whole run up to that step.

Source: the playbook, "After exploration concludes".
"""

import dataclasses
import itertools
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from tuning_playbook.engine.data import place_data
from tuning_playbook.engine.devices import share_batches
from tuning_playbook.engine.feed import Feed, IndexFeed, array_feed
from tuning_playbook.engine.order import Order
from tuning_playbook.engine.pieces import Pace
from tuning_playbook.engine.program import Program
from tuning_playbook.engine.windows import evaluation_steps
from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_json
from tuning_playbook.jobs import checkpoints
from tuning_playbook.jobs.export import MODEL, export_model
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Workload

logger = logging.getLogger(__name__)

WEIGHTS = "weights"
"""The name of the checkpoint of the weights."""

RECORD = "trained.json"
"""The file that describes the weights, written after them."""


def final_loss(
    folder: Path, trial: Trial, steps: int, workload: Workload, splits: Mapping[str, Arrays]
) -> float:
    """Return the loss of the final model in a folder; train the model if it does not exist yet.

    See `train_final`.
    """
    record = folder / RECORD
    wanted = {"fingerprint": trial.fingerprint, "steps": steps}
    try:
        known = json.loads(record.read_text())
        if {name: known[name] for name in wanted} == wanted:
            checkpoints.restore(folder / "checkpoints", WEIGHTS)
            logger.info("kept the final model of %s", trial.id)
            return float(known["train_loss"])
    except (OSError, ValueError, KeyError, TypeError, ArtefactError):
        logger.info("no final model of %s is here", trial.id)
    record.unlink(missing_ok=True)
    loss = train_final(folder, trial, steps, workload, splits)
    write_json(record, wanted | {"train_loss": loss})
    return loss


def fold(splits: Mapping[str, Arrays]) -> dict[str, np.ndarray]:
    """Return training and validation data as one split, training examples first."""
    train, validation = splits["train"], splits["validation"]
    return {name: np.concatenate([train[name], validation[name]]) for name in train}


def train_final(
    folder: Path, trial: Trial, steps: int, workload: Workload, splits: Mapping[str, Arrays]
) -> float:
    """Train a configuration on both splits, save its weights, and export it if it can predict.

    Args:
        folder: Where to save: `checkpoints/weights`, and `model.jax_export`.
        trial: The trial that gives the configuration and the seed.
        steps: How many steps to train.
        workload: The trial's workload.
        splits: The workload's splits.

    Returns:
        The mean training loss over the last interval between evaluations.

    Raises:
        ArtefactError: The training diverged.
    """
    # Use as many of the trial's devices as this machine has.
    devices = math.gcd(trial.devices, jax.local_device_count())
    alone, spread = dataclasses.replace(trial, lanes=1), share_batches(devices)
    folded = fold(splits)
    host_fed = bool(getattr(workload, "host_fed", False))
    data = place_data(
        {**splits, "train": folded}, alone.computed_at_once, 1, host_fed=host_fed, spread=spread
    )
    program = Program(alone, workload, data, len(next(iter(folded.values()))), spread)
    seed, traced = program.arguments([alone])
    state = program.init(seed, traced)
    order = Order([alone.seed], program.examples, alone.step_examples)
    feed: Feed = array_feed(folded, order, 0, steps) if host_fed else IndexFeed(order, 0)
    pace, loss = Pace(), np.nan
    marks = [*(step for step in evaluation_steps(alone).tolist() if step < steps), steps]
    for before, after in itertools.pairwise(marks):
        step, losses = before, []
        while step < after:
            count = pace.steps(step, before, after, feed.most_steps)
            fed = spread.feed(feed.next(count))
            state, logged = program.train(state, step, count, seed, traced, fed)
            step += count
            losses.append(jax.device_get(logged.train_loss))
        loss = float(np.mean(np.concatenate(losses), dtype=np.float64))
        if not np.isfinite(loss):
            raise ArtefactError(
                f"trial {trial.id} diverged at step {after} when it was trained on training and "
                "validation data together; take 'final' away, or choose a stabler configuration"
            )
    variables = program.evaluated(state, steps, traced)
    checkpoints.save(folder / "checkpoints", WEIGHTS, jax.device_get(dict(variables)))
    export_model(folder / MODEL, variables, alone, workload, folded)
    logger.info("trained %s for %d steps on both splits; loss %.4g", trial.id, steps, loss)
    return loss
