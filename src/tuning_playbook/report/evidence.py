"""The evidence for the decision: the arms, their reruns, the difference to the baseline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import error_of
from tuning_playbook.analysis.trial_values import value_columns
from tuning_playbook.report.formatting import anchor, is_missing, measured, number, signed, text
from tuning_playbook.study.equality import differing
from tuning_playbook.study.steps_to import NOT_REACHED
from tuning_playbook.study.study import BASELINE


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
    """One rerun: its configuration, its data, its result.

    Attributes:
        arm: The arm whose best trial it reran, or `baseline`.
        number: Counted from 1 in each arm.
        trial: Its id.
        seed: Its seed.
        data: The division of the data that it saw.
        objective: What it reached.
        best_step: After which step.
        status: How it ended.
        settings: The hyperparameters that are not the same in all reruns.
    """

    arm: str
    number: int
    trial: str
    seed: str
    data: str
    objective: str
    best_step: str
    status: str
    settings: str

    @property
    def anchor(self) -> str:
        """The row's id in the report."""
        return f"trial-{anchor(self.trial)}"


@dataclass(frozen=True)
class SearchRow:
    """Study variance of one arm.

    Attributes:
        arm: Its name.
        best: The best objective of the study's own search.
        repeats: That of each repeat of the search.
        standard_deviation: Over searches.
        interval: What the best of another search falls into, nine times in ten or more.
        method: How these were found.
        same_points: Whether the repeats have the same points, and differ by their seeds alone.
        open: Whether an end of the interval is open.
    """

    arm: str
    best: str
    repeats: tuple[str, ...]
    standard_deviation: str
    interval: str
    method: str
    same_points: bool
    open: bool


@dataclass(frozen=True)
class SplitRow:
    """Data variance of one arm's best trial, or of the baseline.

    Attributes:
        arm: Its name.
        objectives: On each other division of the data.
        mean: Of them.
        standard_deviation: Of them.
        over_seeds: The standard deviation of the reruns on the usual data, to compare with.
    """

    arm: str
    objectives: tuple[str, ...]
    mean: str
    standard_deviation: str
    over_seeds: str


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
    """How much better the candidate is than the baseline, in words and numbers.

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

    Every number is the launch decision's own.
    """
    candidate, baseline = launch.get("candidate"), launch.get("baseline")
    contenders = [
        contender for contender in (candidate, *launch.get("other_arms", ())) if contender
    ]
    by_arm = {str(contender["arm"]): contender for contender in contenders}
    rows = []
    for arm in np.atleast_1d(study.attrs["arms"]).tolist():
        standing = "candidate" if candidate and candidate["arm"] == arm else ""
        rows.append(_arm_row(str(arm), standing, by_arm[str(arm)]))
    if baseline:
        rows.append(_arm_row(BASELINE, BASELINE, baseline))
    return tuple(rows)


def make_rerun_rows(reruns: xr.Dataset | None) -> tuple[RerunRow, ...]:
    """List every rerun in the order of the dataset."""
    if reruns is None:
        return ()
    names = ("arm", "rerun", "trial", "seed", "objective", "best_step", "status")
    columns = [reruns[name].to_numpy().tolist() for name in names]
    usual = [0] * reruns.sizes["trial"]
    missed = reruns["censored"].to_numpy().tolist() if "censored" in reruns else usual
    settings = _settings(reruns)
    splits = reruns["data_split"].to_numpy().tolist() if "data_split" in reruns else usual
    ended = reruns["ended_early"].to_numpy().tolist() if "ended_early" in reruns else usual
    return tuple(
        RerunRow(
            arm=str(arm),
            number=int(count) + 1,
            trial=str(trial),
            seed=str(seed),
            data=f"division {split}" if split else "as usual",
            objective=NOT_REACHED if lost else number(objective),
            best_step=number(best_step if lost or math.isfinite(objective) else None),
            status=f"{status}: {early}" if early else str(status),
            settings=setting,
        )
        for (arm, count, trial, seed, objective, best_step, status), (
            split,
            early,
            setting,
            lost,
        ) in zip(
            zip(*columns, strict=True),
            zip(splits, ended, settings, missed, strict=True),
            strict=True,
        )
    )


def _settings(reruns: xr.Dataset) -> list[str]:
    """Return each rerun's values of the hyperparameters in which they differ."""
    columns = value_columns(reruns).items()
    varied = {name: column for name, column in columns if len(set(map(repr, column))) > 1}
    return [
        ", ".join(
            f"{name} {text(column[place])}"
            for name, column in varied.items()
            if not is_missing(column[place])
        )
        for place in range(reruns.sizes["trial"])
    ]


def make_search_rows(launch: Mapping[str, Any]) -> tuple[SearchRow, ...]:
    """List the study variance of each arm, from the launch decision."""
    return tuple(
        SearchRow(
            arm=str(row["arm"]),
            best=number(row["bests"][0]),
            repeats=tuple(number(value) for value in row["bests"][1:]),
            standard_deviation=number(_value(row, "standard_deviation"), digits=2),
            interval=_ends(row),
            method=str(row["method"]),
            same_points=bool(row["same_points"]),
            open=bool(row["low_open"] or row["high_open"]),
        )
        for row in launch.get("study_variance", ())
    )


def make_split_rows(launch: Mapping[str, Any]) -> tuple[SplitRow, ...]:
    """List the data variance of each arm and the baseline, with their trial variance."""
    contenders = (launch.get("candidate"), launch.get("baseline"), *launch.get("other_arms", ()))
    by_arm = {str(contender["arm"]): contender for contender in contenders if contender}
    return tuple(
        SplitRow(
            arm=str(row["arm"]),
            objectives=tuple(
                NOT_REACHED if value is None and least is not None else number(value)
                for value, least in zip(
                    row["objectives"], row.get("fewest") or row["objectives"], strict=True
                )
            ),
            mean=_number(row, "mean"),
            standard_deviation=number(_value(row, "standard_deviation"), digits=2),
            over_seeds=number(_value(by_arm[str(row["arm"])], "standard_deviation"), digits=2),
        )
        for row in launch.get("data_variance", ())
    )


def make_changes(launch: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """List the hyperparameters in which the candidate differs from the baseline.

    Returns:
        Name, the baseline's value and the candidate's; every hyperparameter of the candidate
        where there is no baseline.
    """
    candidate, baseline = (
        (launch.get(name) or {}).get("hyperparameters", {}) for name in ("candidate", "baseline")
    )
    return tuple(
        (name, text(baseline.get(name), digits=6), text(candidate.get(name), digits=6))
        for name in differing(candidate, baseline)
    )


def make_difference(launch: Mapping[str, Any]) -> Difference | None:
    """Return the difference in words and as a drawing; nothing if the launch has none."""
    difference = launch.get("difference")
    if not difference:
        return None
    improvement, low, high = (float(difference[key]) for key in ("improvement", "low", "high"))
    wanted = float(launch["min_improvement"])
    confidence = f"{100 * difference['confidence']:g} % interval"
    error = (high - low) / 2
    gained = signed(improvement, error)
    span = f"{signed(low, error)} to {signed(high, error)}"
    bound = f"lower {100 * difference['bound_confidence']:.4g} % bound, which decides"
    facts = (
        ("improvement over the baseline", gained),
        (confidence, span),
        ("how the interval was made", text(difference["method"])),
        ("the interval by bootstrap", _span(difference, "bootstrap")),
        (bound, signed(float(difference["lower_bound"]), error)),
        ("smallest improvement worth adopting", number(wanted)),
        ("smallest improvement detectable", _number(difference, "smallest_detectable")),
        ("chance that the candidate's next run is the better one", _chance(difference)),
    )
    return Difference(
        sentence=f"Improvement over the baseline: {gained} ({confidence} {span})",
        facts=tuple((label, value) for label, value in facts if value != number(None)),
        interval=draw_interval(low, improvement, high, wanted),
    )


def draw_interval(low: float, estimate: float, high: float, wanted: float) -> Interval:
    """Scale an interval to a line of length 100 that also shows zero and the wanted improvement.

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


def _arm_row(arm: str, standing: str, contender: Mapping[str, Any]) -> ArmRow:
    trials = f"{contender['feasible_trials']} of {contender['trials']}"
    return ArmRow(
        arm=arm,
        standing=standing,
        trial=str(contender.get("trial") or ""),
        trials="" if standing == BASELINE else trials,
        search_objective=_search_objective(contender),
        reruns=_reruns(contender),
        mean=measured(_value(contender, "mean"), _error(contender)),
        standard_deviation=number(_value(contender, "standard_deviation"), digits=2),
    )


def _reruns(contender: Mapping[str, Any]) -> tuple[str, ...]:
    objectives = contender.get("rerun_objectives") or ()
    missed = contender.get("rerun_censored") or [False] * len(objectives)
    return tuple(
        NOT_REACHED if lost else number(value)
        for value, lost in zip(objectives, missed, strict=True)
    )


def _search_objective(contender: Mapping[str, Any]) -> str:
    """Write the objective of an arm's best trial, which may not have reached the target."""
    if contender.get("search_censored"):
        return NOT_REACHED
    return _number(contender, "search_objective")


def _error(contender: Mapping[str, Any]) -> float | None:
    """Return half the width of the interval of a mean; nothing if it is not known."""
    mean, low, high = (_value(contender, name) for name in ("mean", "low", "high"))
    return None if mean is None or low is None or high is None else error_of(mean, low, high)


def _value(record: Mapping[str, Any], key: str) -> float | None:
    """Return a number of a JSON file; nothing if it is absent, null or not finite."""
    value = record.get(key)
    return float(value) if value is not None and math.isfinite(value) else None


def _number(record: Mapping[str, Any], key: str) -> str:
    return number(_value(record, key))


def _span(record: Mapping[str, Any], name: str) -> str:
    low, high = (_value(record, f"{name}_{end}") for end in ("low", "high"))
    if low is None or high is None:
        return number(None)
    error = (high - low) / 2
    return f"{signed(low, error)} to {signed(high, error)}"


def _ends(record: Mapping[str, Any]) -> str:
    low, high = (_number(record, end) for end in ("low", "high"))
    if record["low_open"]:
        return "open" if record["high_open"] else f"at most {high}"
    return f"at least {low}" if record["high_open"] else f"{low} to {high}"


def _chance(difference: Mapping[str, Any]) -> str:
    names = ("probability_better", "probability_low", "probability_high")
    share, low, high = (f"{100 * difference[name]:.3g} %" for name in names)
    return f"{share} (95 % interval {low} to {high})"
