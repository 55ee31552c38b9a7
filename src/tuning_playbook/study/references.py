"""What a spec may write in place of a value, a range or a baseline: an earlier study's."""

from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr

from tuning_playbook.study.base import Shape

BEST = "best"
"""What a value is of that the best trial of a study has."""


class ValueReference(Shape):
    """A value that an earlier study found: `{from: <study>, of: best}`.

    Of a procedure it is a value of its conclusion: `{from: <study>, of: unstable_rate, times: 10}`.
    """

    study: StrictStr = Field(alias="from", description="the earlier study's name, or its path")
    of: StrictStr = Field(
        BEST, description="best, for the best trial; for a procedure a value of its conclusion"
    )
    times: Annotated[StrictFloat | StrictInt, Field(gt=0)] = Field(
        1, description="factor that multiplies the value, if it is a number"
    )
    arm: StrictStr = Field(
        "", description="take the best trial of this arm; by default of all arms"
    )


class RangeReference(Shape):
    """A range around what an earlier study found: `{from: <study>, around: best, factor: 4}`."""

    study: StrictStr = Field(alias="from", description="the earlier study's name, or its path")
    around: Literal["best"] = "best"
    factor: Annotated[StrictFloat | StrictInt, Field(gt=1)] = Field(
        description="the range is from the value divided by this to the value times this"
    )
    arm: StrictStr = Field(
        "", description="take the best trial of this arm; by default of all arms"
    )


class VarianceReference(Shape):
    """The trial variance that the reruns of an earlier study measured: `{from: <study>}`."""

    study: StrictStr = Field(alias="from", description="the earlier study's name, or its path")

    @property
    def arm(self) -> str:
        """The arm that is meant: none, as the reruns of all are taken together."""
        return ""


class StepTimesReference(Shape):
    """The times of a step that the probes of a procedure measured: `{from: sizes}`."""

    study: StrictStr = Field(alias="from", description="the procedure's name, or its path")

    @property
    def arm(self) -> str:
        """The arm that is meant: none, as a procedure has none."""
        return ""


class BaselineReference(Shape):
    """The best configuration of an earlier study as the incumbent: `{from: <study>}`."""

    study: StrictStr = Field(alias="from", description="the earlier study's name, or its path")
    arm: StrictStr = Field(
        "", description="take the best trial of this arm; by default of all arms"
    )
