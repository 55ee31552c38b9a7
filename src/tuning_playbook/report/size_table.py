"""The table of batch sizes in the report of the procedure that compares them."""

import math
from dataclasses import dataclass

import xarray as xr

from tuning_playbook.report.formatting import MISSING, number


@dataclass(frozen=True)
class SizeRow:
    """A row of the table, with printed values.

    Attributes:
        size: Examples a step.
        rate: The best learning rate.
        reached: How many runs of the best trial reached the target, of how many.
        steps: To the target.
        examples: The same in examples.
        seconds_per_step: What a step takes.
        devices: That trained it.
        seconds: To the target.
    """

    size: str
    rate: str
    reached: str
    steps: str
    examples: str
    seconds_per_step: str
    devices: str
    seconds: str


def size_rows(conclusion: xr.Dataset) -> tuple[SizeRow, ...]:
    """Return a row for each batch size that a procedure compared.

    Args:
        conclusion: Its conclusion.nc.
    """
    if "run_batch_size" not in conclusion:
        return ()

    def value(name: str, place: int) -> float:
        return float(conclusion[name].values[place])

    return tuple(
        SizeRow(
            size=number(float(size)),
            rate=number(value("best_learning_rate", place)),
            reached=f"{value('reached', place):.0f} of "
            f"{value('reached', place) + value('missed', place):.0f}",
            steps=number(value("steps", place)),
            examples=_whole(value("steps", place) * float(size)),
            seconds_per_step=number(value("seconds_per_step", place), 3),
            devices=number(value("devices", place)),
            seconds=number(value("seconds", place), 3),
        )
        for place, size in enumerate(conclusion["batch_size"].values)
    )


def _whole(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:,.0f}"
