"""The shape of a study spec: its keys, their types and their defaults.

The JSON schema that editors use is generated from these definitions. What depends on more than one
key, on the workload or on the playbook's rules of roles is checked in `resolve`.
"""

import re
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from tuning_playbook.errors import SpecError
from tuning_playbook.spec.distributions import Distribution, Kind, make_distribution

NAME = re.compile(r"[a-z][a-z0-9_]*")


def _check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' is no name of a hyperparameter: those are lower-case letters, digits "
            "and underscores"
        )
    return name


Name = Annotated[str, AfterValidator(_check_name)]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Positive = Annotated[StrictInt, Field(ge=1)]
Seed = Annotated[StrictInt, Field(ge=0, lt=2**32)]


class Shape(BaseModel):
    """A part of a spec: unknown keys are errors, values are not changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DistributionShape(Shape):
    """A distribution, as one key with its bounds or values: `{log_uniform: [1.0e-4, 1.0]}`."""

    uniform: list[Scalar] | None = Field(None, description="[low, high], spread evenly")
    log_uniform: list[Scalar] | None = Field(
        None, description="[low, high], spread evenly in the logarithm"
    )
    int_uniform: list[Scalar] | None = Field(None, description="[low, high], both included")
    log_int_uniform: list[Scalar] | None = Field(
        None, description="[low, high], both included, spread evenly in the logarithm"
    )
    choice: Annotated[list[Scalar], Field(min_length=1)] | None = Field(
        None, description="the values, each as likely"
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


class Objective(Shape):
    """What ranks trials: the best value of a metric over training, found retrospectively."""

    metric: StrictStr = Field(description="<split>/<name>, as validation/error_rate")
    mode: Literal["min", "max"]


class EvalSchedule(Shape):
    """When trials are evaluated, beside every `eval_every` steps."""

    dense_until: Annotated[StrictInt, Field(ge=0)] = Field(
        0, description="every step is evaluated until this one: an early look at instability"
    )


class Training(Shape):
    """How long and how every trial trains."""

    max_train_steps: Positive = Field(description="one value for every trial; never tuned")
    batch_size: Positive | None = Field(
        None, description="examples a step; left out only where it is scientific"
    )
    eval_every: Positive = Field(description="steps between evaluations; divides max_train_steps")
    eval_schedule: EvalSchedule = Field(default_factory=EvalSchedule)
    validation_sample: Annotated[StrictInt, Field(ge=0)] = Field(
        0,
        description="validation examples that periodic evaluations see; 0 for all",
    )
    keep_best: Positive = Field(3, description="checkpoints kept per trial")
    warmup_extends: StrictBool = Field(
        False, description="whether a trial's warmup_steps come on top of max_train_steps"
    )
    seed: Seed = Field(0, description="every trial's own seed is derived from it")


class Conditional(Shape):
    """Hyperparameters that exist only under some values of a scientific hyperparameter."""

    when: dict[Name, Scalar | list[Scalar]] = Field(
        min_length=1, description="scientific hyperparameters and the value, or values, they take"
    )
    nuisance: dict[Name, DistributionShape] = Field(default_factory=dict)
    fixed: dict[Name, Scalar] = Field(default_factory=dict)


class QuasiRandomSearch(Shape):
    """A scrambled Halton sequence in every arm; more trials keep the earlier ones."""

    algorithm: Literal["halton"]
    trials: Positive = Field(description="trials per arm")
    seed: Seed = 0


class RandomSearch(Shape):
    """Independent uniform points in every arm; more trials keep the earlier ones."""

    algorithm: Literal["random"]
    trials: Positive = Field(description="trials per arm")
    seed: Seed = 0


class GridSearch(Shape):
    """Every combination of evenly spread values, in every arm."""

    algorithm: Literal["grid"]
    points: Positive | dict[Name, Positive] = Field(
        description="values per hyperparameter: one number for all, or one for each by name; "
        "a choice takes all its values and needs none"
    )


class ListSearch(Shape):
    """Configurations written out by hand."""

    algorithm: Literal["list"]
    trials: list[dict[Name, Scalar]] = Field(
        min_length=1,
        description="each gives values; one that names no scientific value is in every arm",
    )


Search = Annotated[
    QuasiRandomSearch | RandomSearch | GridSearch | ListSearch, Field(discriminator="algorithm")
]


class Reruns(Shape):
    """Trial variance: how often the best trial of each arm and the baseline are trained again."""

    seeds: Annotated[StrictInt, Field(ge=0)] = Field(5, description="fresh seeds for each")


class Launch(Shape):
    """What a candidate must show to replace the baseline."""

    min_improvement: Annotated[StrictFloat | StrictInt, Field(ge=0)] = Field(
        0.0, description="in the objective's unit; what the added complexity is worth"
    )
    complexity: StrictStr = Field("", description="what adopting the candidate would add, in words")


class Resources(Shape):
    """What one training job is given."""

    trials_per_job: Positive = Field(1, description="trials that one job trains, in one process")
    lanes: Positive = Field(
        1, description="trials of a job that one compiled program trains at once"
    )
    threads: Positive = Field(1, description="CPU cores of a job")
    memory_mb: Positive = Field(2000, description="memory of a job, in megabytes")
    runtime_minutes: Positive = Field(120, description="time limit of a job on a cluster")
    gpus: Annotated[StrictInt, Field(ge=0)] = Field(0, description="GPUs of a job")


class StudySpec(Shape):
    """A study spec: one round of experiments with one goal."""

    goal: Annotated[StrictStr, Field(min_length=1)] = Field(
        description="the one question that this study answers"
    )
    notes: StrictStr = Field("", description="anything worth remembering; changes no trial")
    workload: StrictStr = Field(description='a built-in name, or "package.module:Class"')
    data: StrictStr | None = Field(
        None,
        description="folder of the data, beside the spec or from the working directory, for a "
        "workload that reads a user's own",
    )
    objective: Objective
    training: Training
    scientific: dict[Name, Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="hyperparameters whose effect is measured: explicit values, one arm each",
    )
    nuisance: dict[Name, DistributionShape] = Field(
        default_factory=dict, description="hyperparameters searched in every arm"
    )
    conditional: list[Conditional] = Field(
        default_factory=list, description="hyperparameters that exist under a condition"
    )
    fixed: dict[Name, Scalar] = Field(
        default_factory=dict, description="hyperparameters held at one value: each is a caveat"
    )
    search: Search
    reruns: Reruns = Field(default_factory=Reruns)
    baseline: StrictStr | None = Field(
        None, description="the incumbent's file, beside the spec or from the working directory"
    )
    launch: Launch = Field(default_factory=Launch)
    resources: Resources = Field(default_factory=Resources)


class Baseline(Shape):
    """A baseline: the incumbent configuration of a workload, which a launch replaces."""

    workload: StrictStr
    batch_size: Positive | None = Field(
        None, description="examples a step; left out, the study's own"
    )
    hyperparameters: dict[Name, Scalar] = Field(
        description="what is left out takes its documented default"
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a study spec (draft 2020-12), for editors."""
    schema = StudySpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
