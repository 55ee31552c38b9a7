"""The settings of procedures, which a spec names under `procedure`, and what each concludes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StrictFloat, StrictInt

from tuning_playbook.declarations import Value
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings
from tuning_playbook.study.batch_sizes_settings import BatchSizesSettings
from tuning_playbook.study.exploit_settings import ExploitSettings
from tuning_playbook.study.longer_training_settings import LongerTrainingSettings
from tuning_playbook.study.procedure_shape import ProcedureShape
from tuning_playbook.study.searches import Search
from tuning_playbook.study.shape import StudySpec
from tuning_playbook.study.steps_to_fit_settings import StepsToFitSettings

Number = StrictFloat | StrictInt


def _each_once(rates: list[float]) -> list[float]:
    repeated = sorted({rate for rate in rates if rates.count(rate) > 1})
    if repeated:
        again = ", ".join(f"{rate:g}" for rate in repeated)
        raise ValueError(f"{again} is given more than once: name each multiple once")
    return rates


class StabilitySettings(ProcedureShape):
    """Whether a workload is unstable just above its best learning rate."""

    VALUES: ClassVar[Mapping[str, Value]] = {"unstable_rate": 0.1, "onset": "early"}
    name: Literal["stability"]
    rates: Annotated[
        list[Annotated[Number, Field(ge=1)]], Field(min_length=2), AfterValidator(_each_once)
    ] = Field(
        [1, 2, 5, 10],
        description="multiples of the best learning rate to train, each once",
        json_schema_extra={"uniqueItems": True},
    )
    look_steps: Annotated[StrictInt, Field(ge=10)] = Field(
        500, description="steps of the early look at twice the best rate, all evaluated"
    )


class WarmupSettings(ProcedureShape):
    """The shortest warmup that allows rates far above the unstable one."""

    VALUES: ClassVar[Mapping[str, Value]] = {"warmup_steps": 10, "learning_rate": 0.1}
    name: Literal["warmup"]
    times: Annotated[Number, Field(ge=1, le=100)] = Field(
        10, description="the base learning rate, as a multiple of the unstable one"
    )
    unstable_rate: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="the rate at which training becomes unstable; by default it is searched first",
    )
    seeds: Annotated[StrictInt, Field(ge=1)] = Field(
        3, description="number of seeds on which a warmup has to be stable"
    )


class ClippingSettings(ProcedureShape):
    """The gradient clipping norm that makes an unstable rate stable."""

    VALUES: ClassVar[Mapping[str, Value]] = {"clip_norm": 1.0}
    name: Literal["clipping"]
    unstable_rate: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="the rate at which training becomes unstable; by default it is searched first",
    )


ProcedureSettings = Annotated[
    StabilitySettings
    | WarmupSettings
    | ClippingSettings
    | BatchScalingSettings
    | BatchSizesSettings
    | LongerTrainingSettings
    | StepsToFitSettings
    | ExploitSettings,
    Field(discriminator="name"),
]
"""The settings of one of the procedures."""


class ProcedureSpec(StudySpec):
    """The spec of a procedure: several rounds of trials, the later ones planned from results.

    The keys that it shares with a study describe its first round.
    """

    procedure: ProcedureSettings = Field(description="the procedure, and its settings")
    search: Search | None = Field(  # type: ignore[assignment]  # a study's own is required
        None, description="the search of `nuisance` in the first round; by default the procedure's"
    )


SEARCH: Mapping[str, Any] = {"algorithm": "random", "trials": 1}
"""The search of a procedure without one, when its spec is read as a study's."""


def recipe_name(settings: ProcedureSettings) -> str:
    """Return the name of the recipe that carries out a procedure with some settings."""
    return settings.recipe if isinstance(settings, BatchScalingSettings) else settings.name


def as_study(document: Mapping[str, Any], procedure: ProcedureSettings) -> dict[str, Any]:
    """Return the document of a procedure's spec as that of a study."""
    study = {key: value for key, value in document.items() if key != "procedure"}
    if isinstance(procedure, BatchScalingSettings):
        study["scientific"] = {"batch_size": list(procedure.sizes)}
    return {"search": SEARCH, **study}
