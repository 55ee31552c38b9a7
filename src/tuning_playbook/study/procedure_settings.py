"""The settings of procedures, which a spec names under `procedure`, and what each concludes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StrictFloat, StrictInt, model_validator

from tuning_playbook.declarations import ONE_MINUS, Value
from tuning_playbook.study.base import Shape
from tuning_playbook.study.conditions import parts_of
from tuning_playbook.study.searches import Search
from tuning_playbook.study.shape import StudySpec
from tuning_playbook.study.study import LEAST_RERUNS

HALF = 0.5
"""A quantile of a range, which stands in for a value of it."""

Number = StrictFloat | StrictInt


def _each_once(rates: list[float]) -> list[float]:
    repeated = sorted({rate for rate in rates if rates.count(rate) > 1})
    if repeated:
        again = ", ".join(f"{rate:g}" for rate in repeated)
        raise ValueError(f"{again} stands here more than once: name each multiple once")
    return rates


class ProcedureShape(Shape):
    """What every procedure's settings have.

    Attributes:
        VALUES: The values of its conclusion, by name; each stands in for the value until it is
            known, so that a study that takes it can be checked.
    """

    VALUES: ClassVar[Mapping[str, Value]] = {}
    name: str

    def stand_ins(self, spec: StudySpec) -> dict[str, Value]:
        """Return what stands in for each value of its conclusion until that is known.

        Args:
            spec: The procedure's, as that of a study.
        """
        return dict(self.VALUES)


class StabilitySettings(ProcedureShape):
    """Whether a workload is unstable just above its best learning rate."""

    VALUES: ClassVar[Mapping[str, Value]] = {"unstable_rate": 0.1, "onset": "early"}
    name: Literal["stability"]
    rates: Annotated[
        list[Annotated[Number, Field(ge=1)]], Field(min_length=2), AfterValidator(_each_once)
    ] = Field(
        [1, 2, 5, 10],
        description="multiples of the best learning rate that are trained, each of them once",
        json_schema_extra={"uniqueItems": True},
    )
    look_steps: Annotated[StrictInt, Field(ge=10)] = Field(
        500, description="steps of the early look at twice the best rate, each of them evaluated"
    )


class WarmupSettings(ProcedureShape):
    """The shortest warmup that allows rates far above the one at which training is unstable."""

    VALUES: ClassVar[Mapping[str, Value]] = {"warmup_steps": 10, "learning_rate": 0.1}
    name: Literal["warmup"]
    times: Annotated[Number, Field(ge=1, le=100)] = Field(
        10, description="the base learning rate, as a multiple of the unstable one"
    )
    unstable_rate: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="the rate at which training becomes unstable; left out, it is looked for first",
    )
    seeds: Annotated[StrictInt, Field(ge=1)] = Field(
        3, description="seeds on which a warmup has to be stable"
    )


class ClippingSettings(ProcedureShape):
    """The norm to clip gradients at, so that a rate which is unstable becomes stable."""

    VALUES: ClassVar[Mapping[str, Value]] = {"clip_norm": 1.0}
    name: Literal["clipping"]
    unstable_rate: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="the rate at which training becomes unstable; left out, it is looked for first",
    )


class StepsToFitSettings(ProcedureShape):
    """How many steps to begin with: as many as fitting the training set takes."""

    VALUES: ClassVar[Mapping[str, Value]] = {"max_train_steps": 1000, "learning_rate": 0.1}
    name: Literal["steps_to_fit"]
    seeds: Annotated[StrictInt, Field(ge=1)] = Field(
        3, description="fresh seeds on which the training set has to be fit as well"
    )

    def stand_ins(self, spec: StudySpec) -> dict[str, Value]:
        """Return what stands in for its values: its own steps suit what evaluates as often."""
        return {**self.VALUES, "max_train_steps": spec.training.max_train_steps}


class ExploitSettings(ProcedureShape):
    """Exploration, then a Bayesian search in the narrowed space, then the launch of the best."""

    VALUES: ClassVar[Mapping[str, Value]] = {"gain": 0.1, "gain_low": 0.1, "gain_high": 0.1}
    name: Literal["exploit"]
    trials: Annotated[StrictInt, Field(ge=4)] = Field(
        20, description="of each Bayesian search, its initial ones included"
    )
    rounds: Annotated[StrictInt, Field(ge=1)] = Field(
        2, description="rounds of proposals of a Bayesian search; they make half of its trials"
    )
    seeds: Annotated[StrictInt, Field(ge=LEAST_RERUNS)] = Field(
        5, description="fresh seeds of the best configurations of exploration and of exploitation"
    )

    @model_validator(mode="after")
    def _enough_for_each_round(self) -> Self:
        if self.trials < 2 * self.rounds:
            raise ValueError(
                f"{self.rounds} rounds of proposals need {2 * self.rounds} trials, half of them "
                f"initial ones, not {self.trials}"
            )
        return self

    def stand_ins(self, spec: StudySpec) -> dict[str, Value]:
        """Return what stands in for its values, among them what is searched or compared."""
        found = dict(self.VALUES)
        for part in parts_of(spec):
            for name, drawn in {**part.sampled, **part.nuisance}.items():
                found[name.removeprefix(ONE_MINUS)] = found[name] = drawn.value(HALF)
            listed = {name: values for name, values in part.values.items() if name not in found}
            found |= {name: values[0] for name, values in listed.items()}
        if spec.test.evaluate is not None:
            found["test_" + spec.objective.metric.partition("/")[2]] = 0.1
        return found

    @property
    def initial(self) -> int:
        """Return the trials before the first round; the others are shared out evenly."""
        return self.trials - self.rounds * (self.trials // 2 // self.rounds)


ProcedureSettings = Annotated[
    StabilitySettings | WarmupSettings | ClippingSettings | StepsToFitSettings | ExploitSettings,
    Field(discriminator="name"),
]
"""The settings of any procedure."""


class ProcedureSpec(StudySpec):
    """The spec of a procedure: several rounds of trials, of which later ones follow from results.

    All that a study has is that of its first round.
    """

    procedure: ProcedureSettings = Field(description="the procedure, and its settings")
    search: Search | None = Field(  # type: ignore[assignment]  # a study's own is required
        None, description="how the first round searches `nuisance`; left out, the procedure says"
    )


SEARCH: Mapping[str, Any] = {"algorithm": "random", "trials": 1}
"""The search of a procedure that names none, where its spec is read as a study's."""


def as_study(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a procedure's spec as that of a study."""
    study = {key: value for key, value in document.items() if key != "procedure"}
    return {"search": SEARCH, **study}
