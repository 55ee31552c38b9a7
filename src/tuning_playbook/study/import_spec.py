"""The shape of a study whose trials are imported, and where these are."""

from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr

from tuning_playbook.study.base import Shape
from tuning_playbook.study.limits import Steps
from tuning_playbook.study.shape import Conditional, Isolation, Launch, Objective, Training
from tuning_playbook.study.thresholds import Checklist
from tuning_playbook.study.values import DistributionShape, Name, Scalar, Scientific

Type = Literal["number", "text", "truth"]
"""The type of a hyperparameter's values, in all trials of a source."""

ONLY = "names of the trials that the study is about; the others are left unread"
Only = Annotated[list[StrictStr], Field(min_length=1)] | None


class ForeignSource(Shape):
    """What every source of another tool's trials may say."""

    only: Only = Field(None, description=ONLY)
    rename: dict[StrictStr, StrictStr] = Field(
        default_factory=dict,
        description="hyperparameters and metrics: the name there, the name here",
    )
    types: dict[Name, Type] = Field(
        default_factory=dict,
        description="hyperparameters: number, text or truth; left out, by the values there",
    )
    hyperparameters: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="what of the parameters are hyperparameters; left out, all of them"
    )
    step_0: Literal["trained", "untrained"] | None = Field(
        None,
        description="whether what was measured at step 0 had trained already, as tools that count "
        "epochs from 0 mean it; left out, as the format has it",
    )


class CsvSource(ForeignSource):
    """Finished trials in CSV tables, with a row for each trial and for each measurement."""

    format: Literal["csv"]
    trials: StrictStr = Field(
        description="table of trials: trial, hyperparameters, and seed, status, infeasible_reason"
    )
    measurements: StrictStr | None = Field(
        None,
        description="table of measurements: trial, step, <split>/<metric>, train_loss, grad_norm; "
        "left out, the table of trials has the last metrics of each",
    )


class JsonLinesSource(ForeignSource):
    """Finished trials in files of JSON lines, otherwise as CSV tables."""

    format: Literal["jsonl"]
    trials: StrictStr = Field(
        description="a line for each trial: trial, hyperparameters, and seed, status, "
        "infeasible_reason"
    )
    measurements: StrictStr | None = Field(
        None,
        description="a line for each measurement: trial, step, <split>/<metric>, train_loss, "
        "grad_norm; left out, the lines of the trials have the last metrics of each",
    )


class FolderSource(ForeignSource):
    """Finished trials at a path, with a metric that is the objective's."""

    format: str

    path: StrictStr = Field(description="the file or the folder that holds the trials")
    objective: StrictStr | None = Field(
        None,
        description="the logged metric that is the objective's; left out, that of its name",
    )


class AlgoperfSource(FolderSource):
    """Finished trials as AlgoPerf logs them, in folders study_<number>/trial_<number>."""

    format: Literal["algoperf"]


class OptunaSource(FolderSource):
    """Finished trials in a storage of Optuna: an SQLite file or a journal file."""

    format: Literal["optuna"]
    study: StrictStr | None = Field(
        None, description="the study's name; left out, the only one of the storage"
    )


class RaySource(FolderSource):
    """Finished trials of Ray Tune, in the folder of an experiment."""

    format: Literal["ray"]
    step: StrictStr = Field(
        "training_iteration", description="the result that says how long a trial has trained"
    )


class MlflowSource(FolderSource):
    """Finished runs of MLflow: a folder mlruns/ or an SQLite file."""

    format: Literal["mlflow"]
    experiment: StrictStr | None = Field(
        None, description="the experiment's name or id; left out, the only one with runs"
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
        None, description="ids of the trials that the study is about; left out, all of them"
    )
    rename: dict[StrictStr, Name] = Field(
        default_factory=dict, description="hyperparameters: the name there, the name here"
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
    """How imported trials were trained, as far as that is known."""

    # Wider than what a trained study must say: the type of a field cannot be widened otherwise.
    eval_every: Steps | None = Field(  # type: ignore[assignment]
        None, description="steps between evaluations; left out, as they were measured"
    )


class ImportObjective(Objective):
    """What ranks imported trials, whose source may tell the target."""

    # Wider than in a trained study, as above.
    target: StrictInt | StrictFloat | Literal["source"] | None = Field(  # type: ignore[assignment]
        None,
        description="as in a trained study; `source`: the target that the trials were stopped at, "
        "which AlgoPerf's logs tell",
    )


class ImportSpec(Shape):
    """A study whose trials are finished already: a source in place of a search."""

    goal: Annotated[StrictStr, Field(min_length=1)] = Field(
        description="the one question that this study answers"
    )
    notes: StrictStr = Field("", description="anything worth remembering; changes no trial")
    workload: StrictStr = Field(description="what was trained: the archive's, or any name")
    objective: ImportObjective
    source: Source
    training: ImportTraining | None = Field(
        None, description="how the trials were trained, where that is known beyond their logs"
    )
    design: Literal["separate", "joint"] = Field(
        "separate",
        description="separate: a search of its own in every arm; joint: one search sampled the "
        "scientific hyperparameters together with the nuisances",
    )
    scientific: dict[Name, Scientific] = Field(
        default_factory=dict,
        description="hyperparameters whose effect is measured: explicit values, one arm each; in a "
        "joint design a distribution too",
    )
    nuisance: dict[Name, DistributionShape] = Field(
        default_factory=dict, description="what hyperparameters were searched over, where known"
    )
    conditional: list[Conditional] = Field(
        default_factory=list, description="what hyperparameters were under a condition"
    )
    fixed: dict[Name, Scalar] = Field(
        default_factory=dict,
        description="what every trial had though the source does not say so",
    )
    baseline: StrictStr | None = Field(
        None, description="the trial of the source whose configuration is the incumbent"
    )
    isolation: Isolation = Field(default_factory=Isolation)
    launch: Launch = Field(default_factory=Launch)
    checklist: Checklist = Field(
        default_factory=Checklist, description="thresholds of the checklist's checks"
    )
