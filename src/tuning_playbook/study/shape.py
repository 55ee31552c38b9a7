"""The shape of a study spec: its keys, their types and their defaults.

The JSON schema for editors is generated from these definitions. `resolve` checks what depends on
more than one key, on the workload or on the playbook's rules about roles.
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

    With a target, trials are ranked by the number of steps until the metric reaches it.
    """

    metric: StrictStr = Field(description="<split>/<name>, for example validation/error_rate")
    mode: Literal["min", "max"]
    range: (
        Annotated[list[StrictInt | StrictFloat | None], Field(min_length=2, max_length=2)] | None
    ) = Field(
        None,
        description="smallest and largest value that the metric can have, null where there is none;"
        " by default what the workload declares",
    )
    target: StrictInt | StrictFloat | None = Field(
        None,
        description="trials are ranked by the number of steps until the metric reaches this value "
        "and still has it at the next evaluation; without a target, by the metric's best value",
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        low, high = self.range or (None, None)
        if low is not None and high is not None and not low < high:
            raise ValueError(f"the range of the metric must rise, not go from {low:g} to {high:g}")
        return self

    def why_not_the_target(self, low: float, high: float) -> str:
        """Return why the target cannot rank trials of a metric in [low, high]; empty if it can."""
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
        """What ranks trials: `validation/loss`, or `steps to validation/loss <= 0.5`."""
        return self.metric if self.target is None else steps_to(self.metric, self.mode, self.target)

    @property
    def written(self) -> str:
        """The same with the better direction: `fewest steps to validation/loss <= 0.5`."""
        if self.target is None:
            return f"{self.metric} ({self.mode})"
        return f"fewest {self.ranked_by}"


class EvalSchedule(Shape):
    """When trials are evaluated in addition to every `eval_every` steps."""

    dense_until: MaybeSteps = Field(
        0, description="evaluate at every step until this one: an early look at instability"
    )


class Branch(Shape):
    """Trials as branches of one run: from a step on, each has the batch size of its arm."""

    step: Steps = Field(description="number of steps at the batch size of the run")
    batch_size: Examples = Field(
        description="the batch size of the run, which divides that of every arm; a branch takes "
        "this many examples per step, and updates once it has a batch of its own size"
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
        None, description="examples per step; left out only if the batch size is scientific"
    )
    microbatch: MaybeExamples = Field(
        0,
        description="examples of a batch that are computed at once, where the whole batch does not "
        "fit into memory; divides batch_size; 0 or the batch size for the whole batch. It makes a "
        "step slower, never faster",
    )
    branch: Branch | None = Field(
        None, description="train every trial up to a step at one smaller batch size"
    )
    eval_every: Steps = Field(description="steps between evaluations; divides max_train_steps")
    eval_schedule: EvalSchedule = Field(default_factory=EvalSchedule)
    validation_sample: MaybeExamples = Field(
        0,
        description="validation examples that periodic evaluations use; 0 for all",
    )
    train_sample: Literal["all"] | None = Field(
        None,
        description="all: evaluations use the whole training split; by default a fixed sample of "
        "it, as large as what they use of the validation split",
    )
    keep_best: Kept = Field(3, description="checkpoints kept per trial")
    warmup_extends: StrictBool = Field(
        False, description="whether a trial's warmup_steps are added to max_train_steps"
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
        # Imported training may not say how often it was evaluated.
        every = self.eval_every or self.max_train_steps
        count = self.max_train_steps // every + self.eval_schedule.dense_until
        if count > MOST_EVALUATIONS:
            raise ValueError(
                f"that is {count:,} evaluations of each trial, more than {MOST_EVALUATIONS:,}, "
                "whose metrics are held in memory: give a larger 'eval_every'"
            )
        return self


class Conditional(Shape):
    """Hyperparameters that exist only under some values of others (scientific or nuisance)."""

    when: dict[Name, Scalar | Annotated[list[Scalar], Field(min_length=1)]] = Field(
        min_length=1,
        description="scientific hyperparameters or nuisance choices, each with one or more values; "
        "all must hold",
    )
    scientific: dict[Name, Scientific] = Field(default_factory=dict)
    nuisance: dict[Name, DistributionShape] = Field(default_factory=dict)
    fixed: dict[Name, Scalar] = Field(default_factory=dict)
    conditional: list["Conditional"] = Field(
        default_factory=list, description="entries that need a further condition"
    )


class Confirm(Shape):
    """An arm that an earlier round did not choose, compared again under this study's changes."""

    arm: StrictStr = Field(
        description="the arm's setting, for example normalization_position=pre; names "
        "hyperparameters that this spec has under fixed"
    )
    trials: Trials | None = Field(
        None, description="trials of each added arm; by default as many as the other arms have"
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
        description="standard deviation of the objective over seeds, in its unit"
    )
    degrees_of_freedom: Annotated[StrictInt, Field(ge=4)] = Field(
        description="number of reruns that it is from, minus one for each configuration"
    )
    study: StrictStr = Field("", description="the study that measured it")


class Reruns(Shape):
    """How the best trial of each arm and the baseline are trained again."""

    seeds: Again = Field(5, description="number of fresh seeds for each")
    splits: Again = Field(
        0,
        description="number of other divisions of the data into training and validation sets; "
        "each configuration trains once more on every one, which shows data variance",
    )
    back: Again = Field(
        0,
        description="number of trainings of the candidate with each single change set back to the "
        "baseline, which shows what mattered; needs a baseline",
    )
    variance: KnownVariance | None = Field(
        None,
        description="trial variance that was measured before, for configurations with fewer than "
        "five feasible reruns; `{from: <study>}` takes that of an earlier study of the same "
        "workload, steps and objective",
    )


class Isolation(Shape):
    """How plots show a scientific hyperparameter that is sampled over a range."""

    slices: Slices | None = Field(
        None,
        description="number of slices of its range; the isolation plot shows the best trial of "
        "each; by default it depends on the number of trials",
    )


class Launch(Shape):
    """What a candidate must show to replace the baseline."""

    min_improvement: Annotated[StrictFloat | StrictInt, Field(ge=0)] = Field(
        0.0, description="improvement that the added complexity must bring, in the objective's unit"
    )
    complexity: StrictStr = Field("", description="what adopting the candidate would add, in words")
    simpler: dict[Name, Scalar | Annotated[list[Scalar], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="the simpler value or values of a scientific hyperparameter, the simplest "
        "first; values that are off and the baseline's are always simpler",
    )


class HeldOut(Shape):
    """Whether the test split is read: once, at the end, on purpose."""

    evaluate: Literal["best"] | None = Field(
        None,
        description="best: measure the candidate's best checkpoint; by default nothing reads the "
        "test set",
    )


class Final(Shape):
    """What is trained after the decision."""

    fold_validation: StrictBool = Field(
        False,
        description="whether the candidate is trained again on training and validation data "
        "together, for as many steps as its best checkpoint had",
    )


class Resources(Shape):
    """What one training job requests."""

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
        description="devices of a job on each of its nodes; each has lanes of its own, or a part "
        "of each batch if lanes is 1",
    )
    nodes: Nodes = Field(
        1, description="processes of a job, each on a node of its own, that train a trial together"
    )
    threads: Threads = Field(1, description="CPU cores of a job")
    memory_mb: Megabytes | None = Field(
        None, description="memory of a job, in megabytes; by default what the profile says"
    )
    runtime_minutes: Minutes | None = Field(
        None, description="time limit of a job on a cluster; by default what the profile says"
    )
    gpus: MaybeDevices = Field(0, description="GPUs of a job, on each of its nodes")

    @property
    def all_gpus(self) -> int:
        """Return the GPUs of a job on all its nodes, for the scheduler."""
        return self.gpus * self.nodes

    @property
    def tasks(self) -> int:
        """Return the tasks of a job, which a scheduler spreads over its nodes; 0 leaves it open."""
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
        description="folder of the data, relative to the spec or to the working directory, for a "
        "workload that reads the user's data",
    )
    objective: Objective
    training: Training
    design: Literal["separate", "joint"] = Field(
        "separate",
        description="separate: every arm has its own search; joint: one search samples the "
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
        default_factory=dict, description="hyperparameters with one value; each is a caveat"
    )
    confirm: Confirm | None = Field(
        None,
        description="an arm that an earlier round did not choose, compared again under this "
        "study's changes",
    )
    search: Search
    reruns: Reruns = Field(default_factory=Reruns)
    replicates: Repeats = Field(
        0,
        description="number of repeats of the whole search, each with another seed, for study "
        "variance",
    )
    baseline: StrictStr | None = Field(
        None, description="the incumbent's file, relative to the spec or to the working directory"
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
        description="the questions of later rounds, in order; next_study.yaml asks the first "
        "once this study is answered; changes no trial",
    )
    resources: Resources = Field(default_factory=Resources)
