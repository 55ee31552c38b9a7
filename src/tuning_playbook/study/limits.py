"""The limits of what a spec may ask for. The error and the schema give the reason for each.

A spec beyond a limit is refused before any work begins, so a typing error costs neither minutes nor
memory.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictInt,
)
from pydantic_core import core_schema

MOST_BYTES = 2**19
"""Largest spec file. Reading more takes longer than a person waits for an error."""

MOST_VALUES = 100_000
"""Most values of a spec with its YAML aliases expanded; a few lines may expand to any number."""

MOST_LISTED = 10_000
"""Most items of a list. Each value of a scientific hyperparameter is an arm."""

MOST_TRIALS = 100_000
"""Most trials of a study, with the repeats of its search. Each is a folder, and all are in one
folder that file systems and people have to search."""

MOST_EVALUATIONS = 1_000_000
"""Most evaluations of a trial. Each is a row of its metrics, which are collected in memory."""


def _whole(value: object) -> object:
    """Return a whole number that is written as a float, such as 1e2, as an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Accepts a whole number that is written as a float."""


@dataclass(frozen=True)
class AtMost:
    """The largest value of a number, or the most items of a list.

    Attributes:
        most: The limit.
        why: The reason, written to follow a colon.
    """

    most: int
    why: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # First of all, so that the items of a list that is too long are not checked.
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        given = dict(handler(schema))
        key = "maxItems" if given.get("type") == "array" else "maximum"
        return given | {key: self.most, "$comment": f"at most {self.most:,}: {self.why}"}

    def _check(self, given: object) -> object:
        if isinstance(given, list) and len(given) > self.most:
            raise ValueError(f"{len(given):,} items are more than {self.most:,}: {self.why}")
        if isinstance(given, bool) or not isinstance(given, int | float):
            return given
        if given > self.most:
            raise ValueError(f"it is more than {self.most:,}: {self.why}")
        return given


LISTED = AtMost(MOST_LISTED, "compare fewer values at once, or give a range")
STEPS = AtMost(2**31 - 1, "steps are counted with 32 bits")
EXAMPLES = AtMost(2**31 - 1, "examples are counted with 32 bits")
DEVICES = AtMost(4096, "no node has as many")

Positive = Annotated[StrictInt, Field(ge=1), WHOLE]
NotNegative = Annotated[StrictInt, Field(ge=0), WHOLE]
Steps = Annotated[Positive, STEPS]
MaybeSteps = Annotated[NotNegative, STEPS]
Examples = Annotated[Positive, EXAMPLES]
MaybeExamples = Annotated[NotNegative, EXAMPLES]
Trials = Annotated[Positive, AtMost(MOST_TRIALS, "each trial is a folder, and a study has no more")]
Points = Annotated[
    Positive, AtMost(MOST_TRIALS, "each is a trial at least, and a study has no more")
]
Rounds = Annotated[Positive, AtMost(1000, "each round is a job that waits for the one before")]
Again = Annotated[
    NotNegative, AtMost(1000, "each trains every arm once more, and 1,000 show the variance")
]
Repeats = Annotated[NotNegative, AtMost(1000, "each makes the whole search once more")]
Kept = Annotated[Positive, AtMost(1000, "each is a checkpoint on the disk")]
Slices = Annotated[Positive, AtMost(1000, "each is a point of a plot")]
Threads = Annotated[Positive, AtMost(4096, "no machine has as many cores")]
Devices = Annotated[Positive, DEVICES]
MaybeDevices = Annotated[NotNegative, DEVICES]
Nodes = Annotated[Positive, AtMost(2**16, "no cluster has as many")]
Megabytes = Annotated[Positive, AtMost(2**31 - 1, "no machine has as much memory")]
Minutes = Annotated[Positive, AtMost(10**7, "no job runs for twenty years")]
