"""What the decision rests on: the arms, their reruns, and the difference to the baseline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.variance import BASELINE
from tuning_playbook.report.formatting import number, signed, text


@dataclass(frozen=True)
class ArmRow:
    """One arm, or the baseline, in the table of evidence.

    Attributes:
        arm: Its name.
        standing: `candidate`, `baseline` or nothing.
        trial: The id of its best trial; empty for the baseline and an arm without feasible trials.
        trials: The number of its trials, feasible and in all; nothing for the baseline.
        search_objective: The objective of its best trial, as the search found it.
        reruns: The objective of each rerun.
        mean: Their mean.
        standard_deviation: Their standard deviation.
    """

    arm: str
    standing: str
    trial: str
    trials: str
    search_objective: str
    reruns: tuple[str, ...]
    mean: str
    standard_deviation: str


@dataclass(frozen=True)
class RerunRow:
    """One rerun: what it reran, its objective, and why it has none."""

    arm: str
    number: int
    trial: str
    seed: str
    objective: str
    best_step: str
    status: str


@dataclass(frozen=True)
class Interval:
    """A difference and its interval, drawn on a line.

    Attributes:
        low: Place of the interval's lower end, in hundredths of the line.
        high: Place of its upper end.
        estimate: Place of the estimate.
        zero: Place of no difference.
        wanted: Place of the smallest improvement that the spec asks for; nothing where it is zero.
    """

    low: float
    high: float
    estimate: float
    zero: float
    wanted: float | None


@dataclass(frozen=True)
class Difference:
    """How much better the candidate is than the baseline, in words and figures.

    Attributes:
        sentence: The estimate and its interval.
        facts: Everything behind it, as labels and texts.
        interval: The same as a drawing.
    """

    sentence: str
    facts: tuple[tuple[str, str], ...]
    interval: Interval


def make_arm_rows(study: xr.Dataset, launch: Mapping[str, Any]) -> tuple[ArmRow, ...]:
    """List the arms in the study's order, then the baseline.

    Every mean and standard deviation is the launch decision's own.
    """
    candidate, baseline = launch.get("candidate"), launch.get("baseline")
    contenders = [
        contender for contender in (candidate, *launch.get("other_arms", ())) if contender
    ]
    by_arm = {str(contender["arm"]): contender for contender in contenders}
    arm_of_trial = study["arm"].to_numpy().astype(str)
    feasible = np.isfinite(study["objective"].to_numpy().astype(float))

    rows = []
    for arm in np.atleast_1d(study.attrs["arms"]).tolist():
        members = arm_of_trial == arm
        trials = f"{int((members & feasible).sum())} of {int(members.sum())}"
        standing = "candidate" if candidate and candidate["arm"] == arm else ""
        rows.append(_arm_row(str(arm), standing, trials, by_arm.get(str(arm), {})))
    if baseline:
        rows.append(_arm_row(BASELINE, BASELINE, "", baseline))
    return tuple(rows)


def make_rerun_rows(reruns: xr.Dataset | None) -> tuple[RerunRow, ...]:
    """List every rerun in the order of the dataset."""
    if reruns is None:
        return ()
    names = ("arm", "rerun", "trial", "seed", "objective", "best_step", "status")
    columns = [reruns[name].to_numpy().tolist() for name in names]
    return tuple(
        RerunRow(
            arm=str(arm),
            number=int(count) + 1,
            trial=str(trial),
            seed=str(seed),
            objective=number(objective),
            best_step=number(best_step if math.isfinite(objective) else None),
            status=str(status),
        )
        for arm, count, trial, seed, objective, best_step, status in zip(*columns, strict=True)
    )


def make_changes(launch: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """List the hyperparameters in which the candidate differs from the baseline.

    Returns:
        Name, the baseline's value and the candidate's; every hyperparameter of the candidate
        where there is no baseline.
    """
    candidate, baseline = (
        _resolved((launch.get(name) or {}).get("hyperparameters", {}))
        for name in ("candidate", "baseline")
    )
    return tuple(
        (str(name), text(baseline.get(name), digits=6), text(candidate.get(name), digits=6))
        for name in dict.fromkeys([*candidate, *baseline])
        if not _equal(baseline.get(name), candidate.get(name))
    )


def make_difference(launch: Mapping[str, Any]) -> Difference | None:
    """Word and draw the difference; nothing where the launch decision could not tell it."""
    difference = launch.get("difference")
    if not difference:
        return None
    improvement, low, high = (float(difference[key]) for key in ("improvement", "low", "high"))
    wanted = float(launch["min_improvement"])
    confidence = f"{100 * difference['confidence']:g} % interval"
    span = f"{signed(low)} to {signed(high)}"
    facts = (
        ("improvement over the baseline", signed(improvement)),
        (confidence, span),
        ("how the interval was made", text(difference["method"])),
        ("lower 95 % bound, which decides", signed(_value(difference, "lower_bound"))),
        ("smallest improvement worth adopting", number(wanted)),
        ("smallest improvement detectable", _number(difference, "smallest_detectable")),
        ("pairs of reruns in which the candidate wins", _share(difference, "probability_better")),
    )
    return Difference(
        sentence=f"Improvement over the baseline: {signed(improvement)} ({confidence} {span})",
        facts=tuple((label, value) for label, value in facts if value != number(None)),
        interval=draw_interval(low, improvement, high, wanted),
    )


def draw_interval(low: float, estimate: float, high: float, wanted: float) -> Interval:
    """Place an interval on a line of 100 that also shows zero and the improvement wanted.

    Example:
        >>> draw_interval(0.0, 0.5, 1.0, 0.0)
        Interval(low=10.0, high=90.0, estimate=50.0, zero=10.0, wanted=None)
    """
    first, last = min(low, 0.0, wanted), max(high, 0.0, wanted)
    width = (last - first) or 1.0

    def place(value: float) -> float:
        return round(10 + 80 * (value - first) / width, 1)

    return Interval(
        place(low), place(high), place(estimate), place(0.0), place(wanted) if wanted else None
    )


def _arm_row(arm: str, standing: str, trials: str, contender: Mapping[str, Any]) -> ArmRow:
    return ArmRow(
        arm=arm,
        standing=standing,
        trial=str(contender.get("trial") or ""),
        trials=trials,
        search_objective=_number(contender, "search_objective"),
        reruns=tuple(number(value) for value in contender.get("rerun_objectives") or ()),
        mean=_number(contender, "mean"),
        standard_deviation=number(_value(contender, "standard_deviation"), digits=2),
    )


def _value(record: Mapping[str, Any], key: str) -> float | None:
    """Return a number of a JSON file; nothing where it is absent, null or not finite."""
    value = record.get(key)
    return float(value) if value is not None and math.isfinite(value) else None


def _number(record: Mapping[str, Any], key: str) -> str:
    return number(_value(record, key))


def _share(record: Mapping[str, Any], key: str) -> str:
    share = _value(record, key)
    return number(None) if share is None else f"{100 * share:.3g} %"


def _resolved(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out `one_minus_<name>` beside `<name>`, which it only says in another way."""
    return {
        name: value
        for name, value in hyperparameters.items()
        if name.removeprefix("one_minus_") == name
        or name.removeprefix("one_minus_") not in hyperparameters
    }


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)
