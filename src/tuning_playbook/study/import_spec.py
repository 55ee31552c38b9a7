"""The shape of a study spec whose trials are imported, and of their source."""

from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr

from tuning_playbook.study.base import Shape
from tuning_playbook.study.limits import Steps
from tuning_playbook.study.shape import Conditional, Isolation, Launch, Objective, Training
from tuning_playbook.study.thresholds import Checklist
from tuning_playbook.study.values import DistributionShape, Name, Scalar, Scientific

Type = Literal["number", "text", "truth"]
"""The type of a hyperparameter's values, in all trials of a source."""

ONLY = "names of the trials to read; by default all of them"
Only = Annotated[list[StrictStr], Field(min_length=1)] | None


class ForeignSource(Shape):
    """The keys of every source of another tool's trials."""

    only: Only = Field(None, description=ONLY)
    rename: dict[StrictStr, StrictStr] = Field(
        default_factory=dict,
        description="names of hyperparameters and metrics in the source, and their names here",
    )
    types: dict[Name, Type] = Field(
        default_factory=dict,
        description="types of hyperparameters: number, text or truth; by default from the values",
    )
    hyperparameters: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="the parameters that are hyperparameters; by default all of them"
    )
    step_0: Literal["trained", "untrained"] | None = Field(
        None,
        description="trained: a measurement at step 0 is of a model that has already trained, as "
        "in tools that count epochs from 0; untrained: of the initial model; by default what is "
        "usual in the format",
    )


class CsvSource(ForeignSource):
    """Finished trials in CSV tables, with a row for each trial and for each measurement."""

    format: Literal["csv"]
    trials: StrictStr = Field(
        description="table of trials: trial, hyperparameters, seed, status, infeasible_reason"
    )
    measurements: StrictStr | None = Field(
        None,
        description="table of measurements: trial, step, <split>/<metric>, train_loss, grad_norm; "
        "by default the table of trials has the last metrics of each",
    )


class JsonLinesSource(ForeignSource):
    """Finished trials in files of JSON lines, with the same columns as CSV tables."""

    format: Literal["jsonl"]
    trials: StrictStr = Field(
        description="a line for each trial: trial, hyperparameters, seed, status, infeasible_reason"
    )
    measurements: StrictStr | None = Field(
        None,
        description="a line for each measurement: trial, step, <split>/<metric>, train_loss, "
        "grad_norm; by default the lines of the trials have the last metrics of each",
    )


class FolderSource(ForeignSource):
    """Finished trials at a path, and the name of their objective."""

    format: str

    path: StrictStr = Field(description="the file or the folder that holds the trials")
    objective: StrictStr | None = Field(
        None,
        description="the logged metric that is the objective; by default the one of the same name",
    )


class AlgoperfSource(FolderSource):
    """Finished trials as AlgoPerf logs them, in folders study_<number>/trial_<number>."""

    format: Literal["algoperf"]


class OptunaSource(FolderSource):
    """Finished trials in a storage of Optuna: an SQLite file or a journal file."""

    format: Literal["optuna"]
    study: StrictStr | None = Field(
        None, description="the study's name; by default the only one of the storage"
    )


class RaySource(FolderSource):
    """Finished trials of Ray Tune, in the folder of an experiment."""

    format: Literal["ray"]
    step: StrictStr = Field(
        "training_iteration", description="the key of a result that counts the training steps"
    )


class MlflowSource(FolderSource):
    """Finished runs of MLflow: a folder mlruns/ or an SQLite file."""

    format: Literal["mlflow"]
    experiment: StrictStr | None = Field(
        None, description="the experiment's name or id; by default the only one with runs"
    )


class TensorboardSource(FolderSource):
    """Finished trials in event files of TensorBoard, with their hyperparameters."""

    format: Literal["tensorboard"]


class WandbSource(FolderSource):
    """A table of runs that was exported from Weights & Biases as CSV."""

    format: Literal["wandb"]


class ArchiveSource(Shape):
    """The trials and reruns of a study in an archive."""

    format: Literal["archive"]
    path: StrictStr = Field(description="the zip file that snakemake archive wrote")
    only: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="ids of the trials to read; by default all of them"
    )
    rename: dict[StrictStr, Name] = Field(
        default_factory=dict,
        description="names of hyperparameters in the archive, and their names here",
    )


Source = Annotated[
    CsvSource
    | JsonLinesSource
    | AlgoperfSource
    | OptunaSource
    | RaySource
    | MlflowSource
    | TensorboardSource
    | WandbSource
    | ArchiveSource,
    Field(discriminator="format"),
]


class ImportTraining(Training):
    """How imported trials were trained, where it is known."""

    # Optional here, required in a trained study; pydantic has no other way to widen a type.
    eval_every: Steps | None = Field(  # type: ignore[assignment]
        None, description="steps between evaluations; by default those of the measurements"
    )


class ImportObjective(Objective):
    """What ranks imported trials, whose source may have the target."""

    # Wider than in a trained study, as above.
    target: StrictInt | StrictFloat | Literal["source"] | None = Field(  # type: ignore[assignment]
        None,
        description="as in a trained study; `source`: the target at which the trials were stopped, "
        "from AlgoPerf's logs",
    )


class ImportSpec(Shape):
    """A study of finished trials: it has a source in place of a search."""

    goal: Annotated[StrictStr, Field(min_length=1)] = Field(
        description="the one question that this study answers"
    )
    notes: StrictStr = Field("", description="anything worth remembering; changes no trial")
    workload: StrictStr = Field(description="what was trained: the archive's, or any name")
    objective: ImportObjective
    source: Source
    training: ImportTraining | None = Field(
        None, description="how the trials were trained, where the logs do not say it"
    )
    design: Literal["separate", "joint"] = Field(
        "separate",
        description="separate: every arm had its own search; joint: one search sampled the "
        "scientific hyperparameters together with the nuisances",
    )
    scientific: dict[Name, Scientific] = Field(
        default_factory=dict,
        description="hyperparameters whose effect is measured: explicit values, one arm each; in a "
        "joint design a distribution too",
    )
    nuisance: dict[Name, DistributionShape] = Field(
        default_factory=dict, description="the ranges that were searched, where known"
    )
    conditional: list[Conditional] = Field(
        default_factory=list, description="hyperparameters that existed under a condition"
    )
    fixed: dict[Name, Scalar] = Field(
        default_factory=dict,
        description="values that every trial had and the source does not contain",
    )
    baseline: StrictStr | None = Field(
        None, description="the trial of the source whose configuration is the incumbent"
    )
    isolation: Isolation = Field(default_factory=Isolation)
    launch: Launch = Field(default_factory=Launch)
    checklist: Checklist = Field(
        default_factory=Checklist, description="thresholds of the checklist's checks"
    )
