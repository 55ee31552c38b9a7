"""Put a trial's data where its program reads it; every job that runs such a program does this."""

from collections.abc import Mapping
from typing import NamedTuple

from tuning_playbook.engine.data import Data, place_data
from tuning_playbook.engine.devices import Spread
from tuning_playbook.trials.trial import Trial
from tuning_playbook.workloads.protocol import Arrays, Workload


class Placed(NamedTuple):
    """The data of a trial.

    Attributes:
        data: The data on the devices.
        host_data: The training split if batches come from the host; otherwise None.
        examples: Size of the training split; 0 if the workload makes its own batches.
    """

    data: Data
    host_data: Arrays | None
    examples: int


def place_trial(
    trial: Trial, workload: Workload, splits: Mapping[str, Arrays], spread: Spread
) -> Placed:
    """Put the data of a trial's program on the devices.

    Args:
        trial: The trial, or any trial with its signature.
        workload: Its workload.
        splits: The data that the trial sees.
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
