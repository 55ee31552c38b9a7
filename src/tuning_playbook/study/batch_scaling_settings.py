"""The settings of the procedure `batch_scaling`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from tuning_playbook.declarations import Value, repeated
from tuning_playbook.study.base import Shape
from tuning_playbook.study.shape import StudySpec
from tuning_playbook.study.values import Positive
from tuning_playbook.study.yaml import Location

SMALLEST = 8
DOUBLINGS = 6
"""The default batch sizes are 8, 16, ..., 512."""

FEWEST = 3
"""Fewest batch sizes. The fit has two parameters, and a third point tests it."""

MOST = 12

BRANCHES = "batch_branches"
"""Name of the recipe with `branch: true`."""

OF_TIME = ("fastest", "cheapest")
"""What of its conclusion branches do not say."""

UNKNOWN_YET = 1
"""Value of `to` while the earlier study that gives it has no result."""

NO_TARGET = (
    "batch_scaling compares the steps that batch sizes need to the same target: give the value of "
    "the metric to reach, for example 'target: 0.05'"
)
NO_BATCH_SIZE = (
    "batch_scaling compares the batch sizes of its own settings and ignores this one: "
    "remove this key"
)
NO_SCIENTIFIC = (
    "batch_scaling compares batch sizes alone: name those under 'procedure', fix the other "
    "scientific hyperparameters, or search them under 'nuisance'"
)


class StepTime(Shape):
    """The time of a step at a batch size, measured elsewhere."""

    batch_size: Positive
    seconds: Annotated[StrictFloat | StrictInt, Field(gt=0)] = Field(description="time of one step")
    devices: Positive = Field(1, description="devices that share a batch")


class BatchScalingSettings(Shape):
    """The critical batch size (larger ones hardly save steps), the fastest and the cheapest."""

    VALUES: ClassVar[Mapping[str, Value]] = {
        "critical_batch_size": 64.0,
        "fastest": 64,
        "cheapest": 64,
    }
    name: Literal["batch_scaling"]
    batch_sizes: list[Positive] | None = Field(
        None,
        min_length=FEWEST,
        max_length=MOST,
        description="the batch sizes to compare; or give from and to",
    )
    smallest: Positive = Field(
        SMALLEST, alias="from", description="the smallest batch size; it is doubled up to 'to'"
    )
    largest: Positive | None = Field(
        None,
        alias="to",
        description=f"upper limit of the batch sizes; by default {2**DOUBLINGS} times 'from'",
    )
    budget: Literal["steps", "epochs"] = Field(
        "steps",
        description="steps: max_train_steps at every batch size; epochs: max_train_steps at the "
        "smallest and the same number of examples at the others, which only shows perfect scaling",
    )
    step_times: list[StepTime] = Field(
        default_factory=list,
        description="the time of a step at each batch size, on the target machine: a list, or "
        "{from: <procedure>} for the measurements of a batch_sizes procedure; by default the times "
        "of these trials",
    )

    branch: StrictBool = Field(
        False,
        description="estimate the critical batch size from branches of one run at the smallest "
        "batch size, at no more than a quarter of the cost; does not measure time",
    )
    compare: Annotated[StrictFloat | StrictInt, Field(gt=0)] | None = Field(
        None,
        description="the critical batch size of a full sweep, to compare with the estimate from "
        "branches: {from: <its name>, of: critical_batch_size}",
    )

    @property
    def recipe(self) -> str:
        """The name of the recipe that these settings select."""
        return BRANCHES if self.branch else self.name

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.branch and self.budget == "epochs":
            raise ValueError("branches compare losses after as many examples: take 'budget' away")
        if self.branch and self.step_times:
            raise ValueError("branches say nothing of time: take 'step_times' away")
        if self.compare is not None and not self.branch:
            raise ValueError("'compare' is for the estimate of branches: add 'branch: true'")
        odd = [size for size in self.sizes if size % self.sizes[0]]
        if self.branch and odd:
            raise ValueError(
                f"a branch has whole batches of the smallest size, and {self.sizes[0]} does not "
                f"divide {odd[0]}"
            )
        given = self.model_fields_set & {"smallest", "largest"}
        if self.batch_sizes is not None and given:
            raise ValueError("give batch_sizes, or from and to, not both")
        for name, values in (
            ("batch_sizes", self.batch_sizes or []),
            ("step_times", [item.batch_size for item in self.step_times]),
        ):
            if repeated(values):
                raise ValueError(f"a batch size is given twice under {name}: name each once")
        if not FEWEST <= len(self.sizes) <= MOST:
            raise ValueError(
                f"from {self.smallest} to {self.largest} there are {len(self.sizes)} batch sizes, "
                f"each twice the one before; give {FEWEST} to {MOST}"
            )
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """The batch sizes, the smallest first."""
        if self.batch_sizes is not None:
            return tuple(sorted(self.batch_sizes))
        largest = self.smallest * 2**DOUBLINGS
        if self.largest is not None and self.largest != UNKNOWN_YET:
            largest = self.largest
        found = [self.smallest]
        while found[-1] * 2 <= largest:
            found.append(found[-1] * 2)
        return tuple(found)


def objection_to_scaling(spec: StudySpec) -> tuple[Location, str] | None:
    """Return where a spec breaks a rule of the procedure, and the error; None if nowhere."""
    if spec.objective.target is None:
        return ("objective",), NO_TARGET
    if spec.training.batch_size is not None:
        return ("training", "batch_size"), NO_BATCH_SIZE
    if spec.scientific:
        return ("scientific",), NO_SCIENTIFIC
    return None
