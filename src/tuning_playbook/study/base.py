"""What every part of a spec is: strict about its keys, and not changed once read."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A part of a spec: unknown keys are errors, values are not changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
