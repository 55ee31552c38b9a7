"""Whether training waits for its input: the record of every trial that is fed from the host.

Source: the playbook, "Optimizing the input pipeline".
"""

import math
from dataclasses import dataclass
from statistics import median

import xarray as xr

from tuning_playbook.trials.probe import INPUT_BOUND

PARTS = ("read", "stack", "transfer")
"""What the host does to a batch, in this order."""


@dataclass(frozen=True)
class TrialInput:
    """What input cost one trial.

    Attributes:
        trial: Its id.
        wait_share: The share of its training in which the device waited for batches.
    """

    trial: str
    wait_share: float

    @property
    def is_bound(self) -> bool:
        """Whether it is input-bound."""
        return is_input_bound(step_ratio(self.wait_share))


@dataclass(frozen=True)
class StudyInput:
    """What input cost the trials of a study that were fed from the host.

    Attributes:
        trials: Each of them.
        host_shares: The share of each of `PARTS` in the host's own time, all trials together; these
            are 0 where the host had nothing to do.
    """

    trials: tuple[TrialInput, ...]
    host_shares: dict[str, float]

    @property
    def bound(self) -> tuple[TrialInput, ...]:
        """Return the trials that are input-bound."""
        return tuple(item for item in self.trials if item.is_bound)

    @property
    def median_wait(self) -> float:
        """Return the median share of waiting."""
        return median(item.wait_share for item in self.trials)


def step_ratio(wait_share: float) -> float:
    """Return how many times as long a step takes as one without waiting; may be infinite.

    Args:
        wait_share: The share of the step in which the device waits, 0 to 1.
    """
    return 1 / (1 - wait_share) if wait_share < 1 else math.inf


def is_input_bound(ratio: float) -> bool:
    """Return whether a step that takes `ratio` times as long as without waiting is input-bound."""
    return ratio > INPUT_BOUND


def study_input(resources: xr.Dataset) -> StudyInput | None:
    """Return what input cost the trials of a study; None where none was fed from the host.

    Args:
        resources: `resources.nc`: over `trial`, seconds.
    """
    if "device_train_seconds" not in resources:
        return None
    train, wait = (_seconds(resources, name) for name in ("device_train", "input_wait"))
    trials = tuple(
        TrialInput(str(trial), waited / (trained + waited))
        for trial, trained, waited in zip(resources["trial"].values, train, wait, strict=True)
        if trained + waited > 0  # NaN where the data was on the device
    )
    if not trials:
        return None
    spent = {
        part: sum(value for value in _seconds(resources, f"input_{part}") if value > 0)
        for part in PARTS
    }
    total = sum(spent.values())
    return StudyInput(
        trials, {part: value / total if total else 0.0 for part, value in spent.items()}
    )


def _seconds(resources: xr.Dataset, name: str) -> list[float]:
    return [float(value) for value in resources[f"{name}_seconds"].values]
