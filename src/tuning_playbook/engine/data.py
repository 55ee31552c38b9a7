"""The data of a training on the device: what steps read and what evaluations use."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax

from tuning_playbook.engine.devices import ONE_DEVICE, Spread
from tuning_playbook.engine.evaluation import Split, batched, fixed_sample
from tuning_playbook.workloads.protocol import Arrays

EVALUATION_BATCH = 250
"""Fewest examples of an evaluation batch, unless training's is larger. On a CPU a convolutional
network evaluates 250 images in three fifths of the time per image that it takes for 500."""


class Data(NamedTuple):
    """The data on the device.

    Attributes:
        train: Training examples, [examples, ...]; {} if batches come from the host.
        evaluated: The examples of each evaluated split.
        whole: The whole validation split.
    """

    train: Mapping[str, jax.Array]
    evaluated: Mapping[str, Split]
    whole: Split


def place_data(
    splits: Mapping[str, Arrays],
    batch_size: int,
    validation_sample: int,
    train_sample: Literal["", "all"] = "",
    *,
    host_fed: bool = False,
    spread: Spread = ONE_DEVICE,
) -> Data:
    """Put the data that training and its evaluations read on every device.

    An evaluation batch is at least as large as a training batch, which needs more memory.

    Args:
        splits: The workload's splits; without `train` if it makes the training batches itself.
        batch_size: The training examples that are computed at once.
        validation_sample: Validation examples that periodic evaluations see; 0 for all.
        train_sample: "all" if they also see every training example; otherwise they see as many as
            of the validation split, the same ones for every trial.
        host_fed: Whether the training split stays on the host.
        spread: The devices; if they share a batch, evaluation batches are divisible among them too.
    """
    examples = len(next(iter(splits["validation"].values())))
    size = validation_sample or examples
    least, parts = max(batch_size, EVALUATION_BATCH), spread.parts
    whole = batched(splits["validation"], least, parts)
    validation = whole
    if size < examples:
        validation = batched(fixed_sample(splits["validation"], size), least, parts)
    evaluated = {}
    if "train" in splits:
        train = splits["train"] if train_sample == "all" else fixed_sample(splits["train"], size)
        evaluated["train"] = batched(train, least, parts)
    evaluated["validation"] = validation
    resident = {} if host_fed else dict(splits.get("train", {}))
    placed: tuple[dict[str, jax.Array], dict[str, Split], Split]
    placed = spread.place((resident, evaluated, whole))
    return Data(*placed)
