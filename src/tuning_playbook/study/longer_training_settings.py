"""The settings of the procedure `longer_training`, and what it concludes."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictFloat, StrictInt

from tuning_playbook.declarations import Value
from tuning_playbook.study.procedure_shape import ProcedureShape


class LongerTrainingSettings(ProcedureShape):
    """Whether the results of short training hold when the best trials train for longer."""

    VALUES: ClassVar[Mapping[str, Value]] = {"max_train_steps": 720_000, "tuning_steps": 720_000}
    name: Literal["longer_training"]
    times: Annotated[StrictFloat | StrictInt, Field(gt=1, le=100)] = Field(
        5,
        description="the length of the longer training, as a multiple of max_train_steps; usually "
        "5 to 10",
    )
    trials: Annotated[StrictInt, Field(ge=2, le=20)] = Field(
        8, description="number of the best trials of the search that train for longer"
    )
    extend: Literal["plateau", "decay"] | None = Field(
        None,
        description="the part of the learning rate schedule that becomes longer. plateau: the rate "
        "stays at its base for longer, and the decay keeps its length; decay: the decay becomes "
        "longer. By default the decay of a cosine, and the plateau of every other schedule",
    )
