"""The shape of a baseline's file."""

from pydantic import Field, StrictStr

from tuning_playbook.study.base import Shape
from tuning_playbook.study.limits import Examples
from tuning_playbook.study.values import Name, Scalar


class Replaced(Shape):
    """The configuration that a launch replaced."""

    batch_size: Examples
    hyperparameters: dict[Name, Scalar]


class PastLaunch(Shape):
    """A launch of a baseline: the study that it rests on, and what it took the place of."""

    study: StrictStr
    replaced: Replaced | None = None


class Baseline(Shape):
    """A baseline: the incumbent configuration of a workload, which a launch replaces."""

    workload: StrictStr
    batch_size: Examples | None = Field(
        None, description="examples per step; by default the study's"
    )
    hyperparameters: dict[Name, Scalar] = Field(
        description="the others have their documented defaults"
    )
    launches: list[PastLaunch] = Field(
        default_factory=list,
        description="its history, written when a launch is adopted: each of these studies is "
        "still compared with what its launch replaced",
    )
