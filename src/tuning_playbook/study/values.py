"""The names, values and ranges of hyperparameters in a spec."""

from typing import Annotated, cast

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from tuning_playbook.declarations import NAME
from tuning_playbook.errors import SpecError
from tuning_playbook.study.base import Shape
from tuning_playbook.study.distributions import Distribution, Kind, make_distribution
from tuning_playbook.study.limits import LISTED, WHOLE


def _check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' is no name of a hyperparameter: use lower-case letters, digits and "
            "underscores"
        )
    return name


Name = Annotated[str, AfterValidator(_check_name)]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Positive = Annotated[StrictInt, Field(ge=1), WHOLE]
Seed = Annotated[StrictInt, Field(ge=0, lt=2**32), WHOLE]


class DistributionShape(Shape):
    """A distribution: one key with its bounds or values, `{log_uniform: [1.0e-4, 1.0]}`."""

    uniform: list[Scalar] | None = Field(None, description="[low, high], spread evenly")
    log_uniform: list[Scalar] | None = Field(
        None, description="[low, high], spread evenly in the logarithm"
    )
    int_uniform: list[Scalar] | None = Field(None, description="[low, high], both included")
    log_int_uniform: list[Scalar] | None = Field(
        None, description="[low, high], both included, spread evenly in the logarithm"
    )
    choice: Annotated[list[Scalar], Field(min_length=1), LISTED] | None = Field(
        None, description="the values, all equally likely"
    )

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @model_validator(mode="after")
    def _sound(self) -> "DistributionShape":
        if len(self.model_fields_set) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"give exactly one distribution of {known}")
        try:
            self.distribution()
        except SpecError as error:
            raise ValueError(str(error)) from None
        return self

    def distribution(self) -> Distribution:
        """Return the distribution that the one key set here describes."""
        (kind,) = self.model_fields_set
        return make_distribution(cast("Kind", kind), getattr(self, kind))


VALUES, RANGE = "[values]", "[range]"
"""Pydantic's tags of the two ways to give a scientific hyperparameter; no spec has them."""

Scientific = Annotated[
    Annotated[list[Scalar], Field(min_length=1), LISTED, Tag(VALUES)]
    | Annotated[DistributionShape, Tag(RANGE)],
    Discriminator(lambda given: RANGE if isinstance(given, dict | DistributionShape) else VALUES),
]
