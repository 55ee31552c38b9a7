"""The settings of the procedure `steps_to_fit`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictInt

from tuning_playbook.declarations import Value
from tuning_playbook.study.base import Shape


class StepsToFitSettings(Shape):
    """The initial number of steps: as many as fitting the training set takes."""

    VALUES: ClassVar[Mapping[str, Value]] = {"max_train_steps": 1000, "learning_rate": 0.1}
    name: Literal["steps_to_fit"]
    seeds: Annotated[StrictInt, Field(ge=1)] = Field(
        3, description="number of fresh seeds that must fit the training set too"
    )
