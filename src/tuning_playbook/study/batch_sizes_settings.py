"""The settings of the procedure `batch_sizes`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StrictFloat, StrictInt, model_validator

from tuning_playbook.declarations import Value
from tuning_playbook.study.procedure_shape import ProcedureShape

LARGEST_BATCH = 2**16
"""The largest batch size that is ever probed."""


def _power_of_two(size: int) -> int:
    if size & (size - 1):
        raise ValueError(f"must be a power of two, as {2 ** (size.bit_length() - 1)}, not {size}")
    return size


class BatchSizesSettings(ProcedureShape):
    """Which batch sizes fit the machine, and up to which one doubling pays."""

    VALUES: ClassVar[Mapping[str, Value]] = {"largest": 64, "worthwhile": 64}
    name: Literal["batch_sizes"]
    from_: Annotated[StrictInt, Field(ge=1, le=LARGEST_BATCH), AfterValidator(_power_of_two)] = (
        Field(8, alias="from", description="the smallest batch size that is probed, a power of two")
    )
    to: Annotated[StrictInt, Field(ge=1, le=LARGEST_BATCH)] | None = Field(
        None,
        description="the largest batch size to probe; by default the size of the training set, "
        f"at most {LARGEST_BATCH:,}",
    )
    memory_mb: Annotated[StrictInt, Field(ge=1)] | None = Field(
        None,
        description="memory that a training step may use by the compiler's estimate, in "
        "megabytes; by default what the device has",
    )
    pays: Annotated[StrictFloat | StrictInt, Field(gt=1, le=2)] = Field(
        1.8, description="a doubling pays if it multiplies the throughput by at least this"
    )
    repeats: Annotated[StrictInt, Field(ge=5, le=1000)] = Field(
        15, description="timed repetitions at each batch size; slow ones are timed less often"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "BatchSizesSettings":
        if self.to is not None and self.to < self.from_:
            raise ValueError(f"'to' ({self.to}) is less than 'from' ({self.from_})")
        return self
