"""The shape of a study spec: its keys, their types and their defaults.

The JSON schema that editors use is generated from these definitions. What depends on more than one
key, on the workload or on the playbook's rules of roles is checked in `resolve`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from tuning_playbook.study.base import Shape
from tuning_playbook.study.limits import (
    MOST_EVALUATIONS,
    Again,
    Devices,
    Examples,
    Kept,
    MaybeDevices,
    MaybeExamples,
    MaybeSteps,
    Megabytes,
    Minutes,
    Nodes,
    Repeats,
    Slices,
    Steps,
    Threads,
    Trials,
)
from tuning_playbook.study.searches import Search
from tuning_playbook.study.steps_to import steps_to
from tuning_playbook.study.thresholds import Checklist
from tuning_playbook.study.values import DistributionShape, Name, Scalar, Scientific, Seed

AUTO: Literal["auto"] = "auto"
"""In place of a number: the workflow chooses one."""


class Objective(Shape):
    """What ranks trials: the best value of a metric over training, found retrospectively.

    With a target it is the number of steps until the metric reaches that.
    """

    metric: StrictStr = Field(description="<split>/<name>, as validation/error_rate")
    mode: Literal["min", "max"]
    range: (
        Annotated[list[StrictInt | StrictFloat | None], Field(min_length=2, max_length=2)] | None
    ) = Field(
        None,
        description="smallest and largest value that the metric can have, null where there is none;"
        " left out, what the workload declares",
    )
    target: StrictInt | StrictFloat | None = Field(
        None,
        description="trials are ranked by the number of steps until the metric reaches this value "
        "and is there at the next evaluation too; left out, by its best value",
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        low, high = self.range or (None, None)
        if low is not None and high is not None and not low < high:
            raise ValueError(f"the range of the metric must rise, not go from {low:g} to {high:g}")
        return self

    def why_not_the_target(self, low: float, high: float) -> str:
        """Say why the target ranks no trials, the metric being in [low, high]; empty if it does."""
        if self.target is None:
            return ""
        worst = high if self.mode == "min" else low
        if not low <= self.target <= high:
            return (
                f"{self.metric} is never {self.target:g}: it lies in [{low:g}, {high:g}]; "
                "give a target inside"
            )
        if self.target == worst:
            return (
                f"every value of {self.metric} is as good as {self.target:g}, so every trial would "
                "reach that at its first evaluation; give a better target"
            )
        return ""

    @property
    def ranked_by(self) -> str:
        """What ranks trials, as `validation/loss`, or `steps to validation/loss <= 0.5`."""
        return self.metric if self.target is None else steps_to(self.metric, self.mode, self.target)

    @property
    def written(self) -> str:
        """The same with what is better of it, as `fewest steps to validation/loss <= 0.5`."""
        if self.target is None:
            return f"{self.metric} ({self.mode})"
        return f"fewest {self.ranked_by}"


class EvalSchedule(Shape):
    """When trials are evaluated, beside every `eval_every` steps."""

    dense_until: MaybeSteps = Field(
        0, description="every step is evaluated until this one: an early look at instability"
    )


class Branch(Shape):
    """From which step on trials train at the batch size of their arm, as branches of one run."""

    step: Steps = Field(description="steps at the batch size of the run")
    batch_size: Examples = Field(
        description="of the run, which divides every other; a branch sees so many examples a step, "
        "and has one update for as many steps as make its own batch"
    )
    rate_power: Annotated[StrictFloat | StrictInt, Field(ge=0, le=1)] = Field(
        0.5,
        description="the learning rate of a branch is multiplied by the ratio of the batch sizes "
        "to this power: 1 for linear scaling, 0.5 for the square root",
    )


class Training(Shape):
    """How long and how every trial trains."""

    max_train_steps: Steps = Field(description="one value for every trial; never tuned")
    batch_size: Examples | None = Field(
        None, description="examples a step; left out only where it is scientific"
    )
    microbatch: MaybeExamples = Field(
        0,
        description="examples of a batch that are computed at once, where memory has no room for "
        "all; divides batch_size; 0, or as many as the batch has, for all of them. It makes a step "
        "slower, never faster",
    )
    branch: Branch | None = Field(
        None, description="trains every trial up to a step at one smaller batch size"
    )
    eval_every: Steps = Field(description="steps between evaluations; divides max_train_steps")
    eval_schedule: EvalSchedule = Field(default_factory=EvalSchedule)
    validation_sample: MaybeExamples = Field(
        0,
        description="validation examples that periodic evaluations see; 0 for all",
    )
    train_sample: Literal["all"] | None = Field(
        None,
        description="all: evaluations see the whole training split; left out, a fixed sample of it "
        "as large as what they see of the validation split",
    )
    keep_best: Kept = Field(3, description="checkpoints kept per trial")
    warmup_extends: StrictBool = Field(
        False, description="whether a trial's warmup_steps come on top of max_train_steps"
    )
    allow_idle: StrictBool = Field(
        False,
        description="whether a learning rate may be below 1 % of its peak for more than a tenth of "
        "the run; changes no trial",
    )
    steps: Literal["given"] | None = Field(
        None,
        description="given: max_train_steps is part of the question, so that next_study.yaml never "
        "proposes other steps; changes no trial",
    )
    seed: Seed = Field(0, description="every trial's own seed is derived from it")

    @model_validator(mode="after")
    def _check_evaluations(self) -> Self:
        # Training that was imported may not say how often it was evaluated.
        every = self.eval_every or self.max_train_steps
        count = self.max_train_steps // every + self.eval_schedule.dense_until
        if count > MOST_EVALUATIONS:
            raise ValueError(
                f"that is {count:,} evaluations of each trial, more than {MOST_EVALUATIONS:,}, "
                "whose metrics are held in memory: give a larger 'eval_every'"
            )
        return self


class Conditional(Shape):
    """Hyperparameters that exist only under some values of others, scientific or drawn."""

    when: dict[Name, Scalar | Annotated[list[Scalar], Field(min_length=1)]] = Field(
        min_length=1,
        description="scientific hyperparameters, or nuisance choices, and the value, or values, "
        "they take; all must hold",
    )
    scientific: dict[Name, Scientific] = Field(default_factory=dict)
    nuisance: dict[Name, DistributionShape] = Field(default_factory=dict)
    fixed: dict[Name, Scalar] = Field(default_factory=dict)
    conditional: list["Conditional"] = Field(
        default_factory=list, description="what needs a further condition beside this one"
    )


class Confirm(Shape):
    """An arm that an earlier round passed over, compared again with what this study changes."""

    arm: StrictStr = Field(
        description="its setting, as normalization_position=pre: of hyperparameters that this spec "
        "has under fixed"
    )
    trials: Trials | None = Field(
        None, description="of each arm that this adds; left out, as many as the other arms have"
    )


class NextQuestion(Shape):
    """A question for a later round, which next_study.yaml asks once this one is answered."""

    goal: Annotated[StrictStr, Field(min_length=1)] = Field(description="the goal of that round")
    scientific: dict[Name, Scientific] = Field(min_length=1)
    nuisance: dict[Name, DistributionShape] = Field(default_factory=dict)
    fixed: dict[Name, Scalar] = Field(default_factory=dict)


class KnownVariance(Shape):
    """The trial variance that an earlier study measured."""

    standard_deviation: Annotated[StrictFloat, Field(gt=0)] = Field(
        description="of the objective over seeds, in its unit"
    )
    degrees_of_freedom: Annotated[StrictInt, Field(ge=4)] = Field(
        description="of that: the reruns that it is from, less one for each configuration"
    )
    study: StrictStr = Field("", description="the study that measured it")


class Reruns(Shape):
    """How the best trial of each arm and the baseline are trained again."""

    seeds: Again = Field(5, description="fresh seeds for each")
    splits: Again = Field(
        0,
        description="other divisions of the data into training and validation sets, for data "
        "variance: each is trained once more on every one",
    )
    back: Again = Field(
        0,
        description="trainings of the candidate with each of its changes set back to the baseline, "
        "which shows what mattered; needs a baseline",
    )
    variance: KnownVariance | None = Field(
        None,
        description="trial variance that was measured before, for configurations with fewer than "
        "five feasible reruns; `{from: <study>}` takes that of an earlier study of the same "
        "workload, steps and objective",
    )


class Isolation(Shape):
    """How a scientific hyperparameter that is sampled over a range is shown."""

    slices: Slices | None = Field(
        None,
        description="parts of its range, of each of which the best trial is shown; as many as the "
        "trials bear if left out",
    )


class Launch(Shape):
    """What a candidate must show to replace the baseline."""

    min_improvement: Annotated[StrictFloat | StrictInt, Field(ge=0)] = Field(
        0.0, description="in the objective's unit; what the added complexity is worth"
    )
    complexity: StrictStr = Field("", description="what adopting the candidate would add, in words")
    simpler: dict[Name, Scalar | Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="of a scientific hyperparameter the simpler value, or values, the simplest "
        "first; what is off and what is the baseline's is simpler anyway",
    )


class HeldOut(Shape):
    """Whether the test split is read, which is done once, at the end, on purpose."""

    evaluate: Literal["best"] | None = Field(
        None,
        description="best: the candidate's best checkpoint; left out, the test set is not read",
    )


class Final(Shape):
    """What is trained when all is decided."""

    fold_validation: StrictBool = Field(
        False,
        description="whether the candidate is trained again on training and validation data "
        "together, for as many steps as its best checkpoint had",
    )


class Resources(Shape):
    """What one training job is given."""

    trials_per_job: Trials | Literal["auto"] = Field(
        AUTO,
        description="trials that one job trains, in one process; auto: on one machine as many as "
        "keep its cores busy, on a cluster what the profile says",
    )
    lanes: Trials = Field(
        1, description="trials of a job that one compiled program trains at once, on one device"
    )
    devices: Devices = Field(
        1,
        description="devices of a job, on each of its nodes: each has lanes of its own, or a part "
        "of each batch where lanes is 1",
    )
    nodes: Nodes = Field(
        1, description="processes of a job, each on a node of its own, that train a trial together"
    )
    threads: Threads = Field(1, description="CPU cores of a job")
    memory_mb: Megabytes | None = Field(
        None, description="memory of a job, in megabytes; left out, what the profile says"
    )
    runtime_minutes: Minutes | None = Field(
        None, description="time limit of a job on a cluster; left out, what the profile says"
    )
    gpus: MaybeDevices = Field(0, description="GPUs of a job, on each of its nodes")

    @property
    def all_gpus(self) -> int:
        """Return the GPUs of a job on all its nodes, which is what a scheduler is asked for."""
        return self.gpus * self.nodes

    @property
    def tasks(self) -> int:
        """Return the tasks of a job, for a scheduler to spread over its nodes; 0 says nothing."""
        return self.nodes if self.nodes > 1 and not self.gpus else 0


class StudySpec(Shape):
    """A study spec: one round of experiments with one goal."""

    goal: Annotated[StrictStr, Field(min_length=1)] = Field(
        description="the one question that this study answers"
    )
    notes: StrictStr = Field("", description="anything worth remembering; changes no trial")
    workload: StrictStr = Field(
        description='a built-in name, "package.module:Class", or the YAML file of a command'
    )
    data: StrictStr | None = Field(
        None,
        description="folder of the data, beside the spec or from the working directory, for a "
        "workload that reads a user's own",
    )
    objective: Objective
    training: Training
    design: Literal["separate", "joint"] = Field(
        "separate",
        description="separate: a search of its own in every arm; joint: one search samples the "
        "scientific hyperparameters together with the nuisances",
    )
    scientific: dict[Name, Scientific] = Field(
        default_factory=dict,
        description="hyperparameters whose effect is measured: explicit values, one arm each; in a "
        "joint design a distribution too",
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
    confirm: Confirm | None = Field(
        None,
        description="an arm that an earlier round passed over, compared again with what this study "
        "changes",
    )
    search: Search
    reruns: Reruns = Field(default_factory=Reruns)
    replicates: Repeats = Field(
        0,
        description="how often the whole search is made again, each time with another seed, for "
        "study variance",
    )
    baseline: StrictStr | None = Field(
        None, description="the incumbent's file, beside the spec or from the working directory"
    )
    isolation: Isolation = Field(default_factory=Isolation)
    launch: Launch = Field(default_factory=Launch)
    test: HeldOut = Field(default_factory=HeldOut)
    final: Final = Field(default_factory=Final)
    checklist: Checklist = Field(
        default_factory=Checklist, description="thresholds of the checklist's checks"
    )
    next_questions: list[NextQuestion] = Field(
        default_factory=list,
        description="the questions of later rounds, in their order; next_study.yaml asks the first "
        "once this study is answered; changes no trial",
    )
    resources: Resources = Field(default_factory=Resources)
