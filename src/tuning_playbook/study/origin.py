"""Where a value of a study is from, if from the result of an earlier one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tuning_playbook.declarations import Value


@dataclass(frozen=True)
class EarlierResult:
    """The best trial of an earlier study, or of one of its arms.

    Attributes:
        study: The study's name.
        arm: The arm that the trial is in.
        trial: Its id.
        fingerprint: The trial's.
        commit: The commit of the code that trained it; empty if unknown.
        objective: The best value of the objective's metric that it reached.
        workload: The study's.
        values: Every hyperparameter that it has, `batch_size` and `one_minus_` of what was
            searched so included.
        scales: `linear`, `log` or `categorical` of those that were searched.
        deviation: The standard deviation of the objective over seeds, of the reruns of all its
            configurations together; None where that was not asked for.
        degrees: The degrees of freedom of that.
        conclusion: Of a procedure the values that it concludes with; then there is no best trial.
        sentence: Of a procedure what it concludes.
        step_times: Of a procedure with probes what a step takes: `batch_size`, `seconds` and
            `devices` of each batch size that fits; empty where they are of several machines.
        compared: What the study compared: by scientific hyperparameter its values, as written.
        beside: What it held fixed while it did, or compared: by hyperparameter all values in any
            arm, as written. What it searched anywhere is not among them.
        runner_up: The arm with the best trial of all other arms; empty where that is not known.
    """

    study: str
    arm: str
    trial: str
    fingerprint: str
    commit: str
    objective: float
    workload: str
    values: Mapping[str, Value]
    scales: Mapping[str, str]
    deviation: float | None = None
    degrees: int = 0
    conclusion: Mapping[str, Value | None] | None = None
    sentence: str = ""
    step_times: Sequence[Mapping[str, int | float]] = ()
    compared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    runner_up: str = ""


def earlier_result(content: Mapping[str, Any]) -> EarlierResult:
    """Return the earlier result that was written as a JSON object."""
    return EarlierResult(**{**content, "step_times": tuple(content.get("step_times", ()))})


OF_COMPARED = ("compared", "beside", "runner_up")
"""What is known of a value alone that an earlier study compared."""


@dataclass(frozen=True)
class Taken:
    """What is at a place of a spec, and where it is from.

    Attributes:
        place: As `fixed.learning_rate`.
        value: What is there now, written as in a spec.
        study: The earlier study.
        arm: The arm that its best trial is in.
        trial: The trial's id.
        fingerprint: The trial's.
        commit: The commit of the code that trained it; empty if unknown.
        batch_size: The trial's; 0 if unknown.
        compared: The values that the earlier study compared of this hyperparameter, as written;
            none where it compared none.
        beside: What it held fixed while it did, see `EarlierResult`; empty where it compared none.
        runner_up: The best of its other arms, likewise.
    """

    place: str
    value: str
    study: str
    arm: str
    trial: str
    fingerprint: str
    commit: str
    batch_size: int = 0
    compared: Sequence[str] = ()
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    runner_up: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object that says where to look it up."""
        content = asdict(self)
        return {key: value for key, value in content.items() if value or key not in OF_COMPARED}


def concluded(
    study: str,
    workload: str,
    values: Mapping[str, Value | None],
    sentence: str,
    step_times: Sequence[Mapping[str, int | float]] = (),
) -> EarlierResult:
    """Return the conclusion of a procedure as an earlier result.

    Args:
        study: The procedure's name.
        workload: Its workload.
        values: What it concludes with; None what it could not find.
        sentence: What it concludes.
        step_times: What its probes measured, if it has any.
    """
    none = ("", "", "", "", math.nan)
    return EarlierResult(
        *(study, *none, workload, {}, {}),
        conclusion=values,
        sentence=sentence,
        step_times=step_times,
    )


def take(place: str, value: str, result: EarlierResult) -> Taken:
    """Return that a result gave the value at a place of a spec."""
    origin = (result.study, result.arm, result.trial, result.fingerprint, result.commit)
    size = result.values.get("batch_size", 0)
    compared = result.compared.get(place.rpartition(".")[2], ())
    return Taken(
        place,
        value,
        *origin,
        batch_size=size if isinstance(size, int) else 0,
        compared=compared,
        beside={name: list(values) for name, values in result.beside.items()} if compared else {},
        runner_up=result.runner_up if compared else "",
    )
