"""The shape of a study whose trials are imported, and where these are."""

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from tuning_playbook.study.base import Shape
from tuning_playbook.study.shape import Conditional, Isolation, Launch, Objective, Training
from tuning_playbook.study.thresholds import Checklist
from tuning_playbook.study.values import DistributionShape, Name, Scalar, Scientific


class CsvSource(Shape):
    """Finished trials in two tables, with a row for each trial and for each measurement."""

    format: Literal["csv"]
    trials: StrictStr = Field(
        description="table of trials: trial, hyperparameters, and seed, status, infeasible_reason"
    )
    measurements: StrictStr = Field(
        description="table of measurements: trial, step, <split>/<metric>, train_loss, grad_norm"
    )
    only: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="names of the trials that the study is about; left out, all of them"
    )
    rename: dict[StrictStr, StrictStr] = Field(
        default_factory=dict, description="columns of the tables: the name there, the name here"
    )


class AlgoperfSource(Shape):
    """Finished trials as AlgoPerf logs them, in folders study_<number>/trial_<number>."""

    format: Literal["algoperf"]
    path: StrictStr = Field(description="the folder that holds study_<number>/trial_<number>")
    objective: StrictStr | None = Field(
        None,
        description="the logged column that is the objective's metric; left out, that of its name",
    )
    only: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="names of the trials that the study is about; left out, all of them"
    )
    rename: dict[StrictStr, Name] = Field(
        default_factory=dict, description="hyperparameters: the name there, the name here"
    )


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


Source = Annotated[CsvSource | AlgoperfSource | ArchiveSource, Field(discriminator="format")]


class ImportSpec(Shape):
    """A study whose trials are finished already: a source in place of a search."""

    goal: Annotated[StrictStr, Field(min_length=1)] = Field(
        description="the one question that this study answers"
    )
    notes: StrictStr = Field("", description="anything worth remembering; changes no trial")
    workload: StrictStr = Field(description="what was trained: the archive's, or any name")
    objective: Objective
    source: Source
    training: Training | None = Field(
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
