"""A trial that is finished already, as its files tell of it."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tuning_playbook.declarations import Value

Status = Literal["completed", "diverged", "failed"]


@dataclass(frozen=True)
class Curves:
    """What was measured of one trial at some of its steps.

    Attributes:
        steps: Training steps before each measurement, rising.
        values: By name, one at each step; NaN where that was not measured then.
    """

    steps: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Summary:
    """What this project measures of a trial beside its curves; other tools do not.

    Attributes:
        norm_counts: Steps whose gradient norm lies in each bin of `NORM_EDGES`.
        norm_p90: The 90th percentile of the norms.
        clipped_share: The share of steps whose gradient was clipped; NaN without clipping.
        whole: Each metric at the best step on the whole validation split.
        sample_error: The standard error of each over a sample.
        class_right: Right predictions of each class there.
        class_examples: Examples of each class there.
    """

    norm_counts: Sequence[int]
    norm_p90: float
    clipped_share: float
    whole: Mapping[str, float]
    sample_error: Mapping[str, float]
    class_right: Sequence[int]
    class_examples: Sequence[int]


@dataclass(frozen=True)
class FinishedTrial:
    """One configuration that was trained once with one seed, elsewhere or before.

    Attributes:
        name: As its source names it.
        where: The file, and the row or the folder, that it is read from.
        seed: Its seed; where the source has none, its number among equal configurations.
        hyperparameters: Its configuration; what does not exist in it is left out.
        evaluations: Its metrics by `<split>/<name>`, of the train and the validation split.
        logged: What was logged while it trained, by the dataset's names (`train_loss`, ...).
        status: How it ended.
        reason: Why it is infeasible; empty for a completed trial.
        arm: The name of its arm; empty where its source does not say.
        trained: The trial as this project trained it, as JSON; None for one of another tool.
        summary: What was measured beside the curves; None for a trial of another tool.
        provenance: When, how long and on what it was trained; None where that is not known.
        round: Which round of a search proposed it, 0 for none; None where there were no rounds.
    """

    name: str
    where: str
    seed: int
    hyperparameters: Mapping[str, Value]
    evaluations: Curves
    logged: Curves
    status: Status = "completed"
    reason: str = ""
    arm: str = ""
    trained: Mapping[str, Any] | None = None
    summary: Summary | None = None
    provenance: Mapping[str, Any] | None = None
    round: int | None = None

    @functools.cached_property
    def version(self) -> str:
        """Return the hash of everything that was measured of it."""
        curves = [
            (item.steps, sorted(item.values.items())) for item in (self.evaluations, self.logged)
        ]
        beside = asdict(self.summary) if self.summary else ()
        content = repr((curves, self.status, self.reason, *([beside] if beside else [])))
        return hashlib.sha256(content.encode()).hexdigest()[:16]
