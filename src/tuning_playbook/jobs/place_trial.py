"""Put a trial's data where its program reads it, as every job does that runs such a program."""

from collections.abc import Mapping
from typing import NamedTuple

from tuning_playbook.engine.data import Data, place_data
from tuning_playbook.engine.devices import Spread
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Workload


class Placed(NamedTuple):
    """The data of a trial.

    Attributes:
        data: On the devices.
        host_data: The training split where batches come from the host; None where they do not.
        examples: Of the training split; 0 where the workload makes the batches itself.
    """

    data: Data
    host_data: Arrays | None
    examples: int


def place_trial(
    trial: Trial, workload: Workload, splits: Mapping[str, Arrays], spread: Spread
) -> Placed:
    """Put on the devices what a trial's program reads.

    Args:
        trial: The trial, or one of its signature.
        workload: Its workload.
        splits: The data that it sees.
        spread: The devices.
    """
    host_data = splits.get("train") if getattr(workload, "host_fed", False) else None
    data = place_data(
        splits,
        trial.computed_at_once,
        trial.validation_sample,
        trial.train_sample,
        host_fed=host_data is not None,
        spread=spread,
    )
    examples = len(next(iter(splits["train"].values()))) if "train" in splits else 0
    return Placed(data, host_data, examples)
