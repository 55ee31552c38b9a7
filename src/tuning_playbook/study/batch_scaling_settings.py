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
"""Without settings the batch sizes are 8, 16, ..., 512."""

FEWEST = 3
"""Batch sizes: the fit has two numbers, and one more shows whether it holds."""

MOST = 12

BRANCHES = "batch_branches"
"""The recipe with `branch: true`."""

OF_TIME = ("fastest", "cheapest")
"""What of its conclusion branches do not say."""

UNKNOWN_YET = 1
"""What `to` is while an earlier study has yet to tell it."""

NO_TARGET = (
    "batch_scaling compares the steps that batch sizes need to the same target: give the value of "
    "the metric that is to be reached, as 'target: 0.05'"
)
NO_BATCH_SIZE = (
    "batch_scaling compares the batch sizes of its own settings, and this one would not count: "
    "take this key away"
)
NO_SCIENTIFIC = (
    "batch_scaling compares batch sizes alone: name those under 'procedure', fix the other "
    "scientific hyperparameters, or search them under 'nuisance'"
)


class StepTime(Shape):
    """How long a step takes at a batch size, where it was measured elsewhere."""

    batch_size: Positive
    seconds: Annotated[StrictFloat | StrictInt, Field(gt=0)] = Field(description="of one step")
    devices: Positive = Field(1, description="devices that share a batch")


class BatchScalingSettings(Shape):
    """The batch size from which on larger ones hardly save steps, the fastest and the cheapest."""

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
        None, alias="to", description=f"the largest at most; left out, {2**DOUBLINGS} times 'from'"
    )
    budget: Literal["steps", "epochs"] = Field(
        "steps",
        description="steps: max_train_steps at every batch size; epochs: max_train_steps at the "
        "smallest, and as many examples at every other, which shows perfect scaling alone",
    )
    step_times: list[StepTime] = Field(
        default_factory=list,
        description="the time of a step at each batch size, on the machine that is meant: a list, "
        "or {from: <procedure>} for what the probes of a batch_sizes procedure measured; left out, "
        "that of these trials",
    )

    branch: StrictBool = Field(
        False,
        description="estimates the critical batch size from branches of one run at the smallest "
        "batch size, at a quarter of the cost at most; says nothing of time",
    )
    compare: Annotated[StrictFloat | StrictInt, Field(gt=0)] | None = Field(
        None,
        description="the critical batch size of a full sweep, with which the estimate of branches "
        "is compared: {from: <its name>, of: critical_batch_size}",
    )

    @property
    def recipe(self) -> str:
        """The recipe that carries it out."""
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
    """Return what a spec of the procedure may not have or lacks, and where; None if nothing."""
    if spec.objective.target is None:
        return ("objective",), NO_TARGET
    if spec.training.batch_size is not None:
        return ("training", "batch_size"), NO_BATCH_SIZE
    if spec.scientific:
        return ("scientific",), NO_SCIENTIFIC
    return None
