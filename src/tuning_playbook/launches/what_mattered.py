"""Which of a candidate's changes mattered: each is set back to the baseline and compared."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import interval, json_object, told
from tuning_playbook.analysis.ranking import censored, direction, strings
from tuning_playbook.analysis.simultaneous import contrasts, samples_of
from tuning_playbook.declarations import Value
from tuning_playbook.study.study import Study, write_value

Verdict = Literal["helps", "hurts", "no gain shown", "cannot tell"]


@dataclass(frozen=True)
class Change:
    """One change of the candidate.

    Attributes:
        names: The hyperparameters that are set back together.
        candidate: The candidate's values.
        baseline: The baseline's.
        objectives: The objective of each training with it set back; None for an infeasible one, and
            for one that did not reach the target.
        mean: The mean of the feasible ones; None where there is none, or one missed the target.
        gain: By how much the candidate is better than without the change; None where it is not
            known.
        low: Lower end of its 95 % interval; the intervals of all changes hold together.
        high: Upper end.
        p: The probability that any change has a gain this far from zero if none matters.
        verdict: `helps` or `hurts` where the interval excludes zero; also `helps` where training
            fails without the change, or never reaches the target that the candidate always does.
        remove: Whether it adds something that the baseline does not have, and no gain is shown.
        sentence: The result in words.
    """

    names: tuple[str, ...]
    candidate: Mapping[str, Value]
    baseline: Mapping[str, Value]
    objectives: tuple[float | None, ...]
    mean: float | None
    gain: float | None
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict
    remove: bool
    sentence: str


@dataclass(frozen=True)
class WhatMattered:
    """Which of the candidate's changes mattered.

    Attributes:
        trial: The candidate; None where there is none.
        trainings: The number of trainings of each change.
        mean: The mean of the candidate's feasible reruns; None where there is none.
        changes: The changes, the largest gain first.
        sentence: The result in words, with what to remove.
    """

    trial: str | None
    trainings: int
    mean: float | None
    changes: tuple[Change, ...]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self, dict_factory=json_object)


def what_mattered(
    chosen: Sequence[Mapping[str, Any]],
    set_back: xr.Dataset,
    launch: Mapping[str, Any],
    *,
    trainings: int,
    earlier: tuple[float, int] | None = None,
) -> WhatMattered:
    """Compare the candidate's reruns with those of each change set back.

    The intervals and p-values hold for all changes together, as those of the answer do
    (`analysis.simultaneous`). A change whose trainings are all infeasible when it is set back, or
    all but one, is needed: training fails without it. There is no verdict on a change where some of
    its trainings, but not all, miss a target, or where some of the candidate's reruns do, because
    they have no mean.

    Args:
        chosen: The changes, as from `set_back.choose_set_backs`.
        set_back: The trials with changes set back.
        launch: The study's `launch.json`.
        trainings: How often each change is trained set back.
        earlier: The variance that an earlier study measured, with its degrees of freedom.
    """
    candidate = launch.get("candidate") or {}
    reruns = _feasible(candidate.get("rerun_objectives", ()))
    name = candidate.get("trial")
    missing = any(candidate.get("rerun_censored", ()))
    mean = float(np.mean(reruns)) if reruns and not missing else None
    if not chosen:
        why = "There is no candidate, so nothing is set back."
        if launch.get("decision") == "undecided":
            why = "Nothing is decided, so nothing is set back."
        elif name:
            why = "The candidate differs from the baseline in one thing at most; none is set back."
        return WhatMattered(name, trainings, mean, (), why)
    of_change = strings(set_back, "set_back")
    values = set_back["objective"].to_numpy().astype(float)
    objectives = [
        tuple(
            float(value) if math.isfinite(value) else None
            for value in values[of_change == change["names"][0]]
        )
        for change in chosen
    ]
    lost = censored(set_back)
    missed = [int(lost[of_change == change["names"][0]].sum()) for change in chosen]
    reliable = bool(reruns) and len(reruns) == len(candidate.get("rerun_objectives", ()))
    told = [
        () if count or missing else found for count, found in zip(missed, objectives, strict=True)
    ]
    compared = _compare(reruns, told, -direction(set_back), earlier)
    changes = [
        _change(change, found, compared.get(place), missed[place], reliable=reliable)
        for place, (change, found) in enumerate(zip(chosen, objectives, strict=True))
    ]
    changes.sort(key=lambda item: -math.inf if item.gain is None else -item.gain)
    return WhatMattered(name, trainings, mean, tuple(changes), _sentence(changes))


def what_mattered_in(
    study: Study,
    chosen: Sequence[Mapping[str, Any]],
    set_back: xr.Dataset,
    launch: Mapping[str, Any],
) -> WhatMattered:
    """Return which of a study's candidate's changes mattered, with the spec's earlier variance."""
    asked = study.spec.reruns
    earlier = None
    if asked.variance is not None:
        known = asked.variance
        earlier = (known.standard_deviation**2, known.degrees_of_freedom)
    return what_mattered(chosen, set_back, launch, trainings=asked.back, earlier=earlier)


@dataclass(frozen=True)
class _Gain:
    estimate: float
    low: float
    high: float
    p: float


def _compare(
    reruns: Sequence[float],
    objectives: Sequence[Sequence[float | None]],
    sign: float,
    earlier: tuple[float, int] | None,
) -> dict[int, _Gain]:
    """Return what each change gains, by its place; those with too few trainings are left out.

    Args:
        reruns: The candidate's feasible reruns.
        objectives: The objectives of each change set back.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
        earlier: As in `what_mattered`.
    """
    least = 2 if earlier is None else 1
    known = {place: _feasible(found) for place, found in enumerate(objectives)}
    known = {place: found for place, found in known.items() if len(found) >= least}
    if len(reruns) < least or not known:
        return {}
    samples = samples_of([reruns, *known.values()], earlier)
    if samples is None:
        return {}
    weights = np.zeros((len(known), 1 + len(known)))
    weights[:, 0] = sign
    weights[np.arange(len(known)), 1 + np.arange(len(known))] = -sign
    return {
        place: _Gain(found.estimate, found.low, found.high, found.p)
        for place, found in zip(known, contrasts(samples, weights), strict=True)
    }


def _change(
    change: Mapping[str, Any],
    objectives: tuple[float | None, ...],
    gain: _Gain | None,
    missed: int,
    *,
    reliable: bool,
) -> Change:
    """Return the result for one change.

    Args:
        change: As from `set_back.choose_set_backs`.
        objectives: The objective of each training with it set back.
        gain: What it gains, where that is known.
        missed: How many of these trainings did not reach the target.
        reliable: Whether every rerun of the candidate is feasible and reached the target.
    """
    feasible = _feasible(objectives)
    fails = len(objectives) - len(feasible) - missed
    verdict: Verdict = "cannot tell"
    if gain is not None:
        verdict = "helps" if gain.low > 0 else "hurts" if gain.high < 0 else "no gain shown"
    # If two of two fail or miss the target, and none of the candidate's five does, p = 0.05.
    never = missed > 1 and not feasible
    breaks = fails > 1 and not missed and len(feasible) <= 1
    if reliable and gain is None and (never or breaks):
        verdict = "helps"
    remove = bool(change["adds"]) and verdict in ("no gain shown", "hurts")
    what = ", ".join(_to(name, change["baseline"]) for name in change["names"])
    parts = [f"{fails} of {len(objectives)} trainings fail"] if fails else []
    parts += [f"{missed} of {len(objectives)} do not reach the target"] if missed else []
    if gain is not None:
        by = told(abs(gain.estimate), (gain.high - gain.low) / 2)
        way = "worse" if gain.estimate > 0 else "better"
        parts.append(f"{way} by {by} (95 % interval {interval(gain.low, gain.high)})")
    return Change(
        names=tuple(change["names"]),
        candidate=dict(change["candidate"]),
        baseline=dict(change["baseline"]),
        objectives=objectives,
        mean=float(np.mean(feasible)) if feasible and not missed else None,
        gain=None if gain is None else gain.estimate,
        low=None if gain is None else gain.low,
        high=None if gain is None else gain.high,
        p=None if gain is None else gain.p,
        verdict=verdict,
        remove=remove,
        sentence=f"With {what}: {', '.join(parts) or 'it is not known'}.",
    )


def _to(name: str, baseline: Mapping[str, Value]) -> str:
    return f"{name}={write_value(baseline[name])}" if name in baseline else f"no {name}"


def _sentence(changes: Sequence[Change]) -> str:
    helping = [item.names[0] for item in changes if item.verdict == "helps"]
    hurting = [item.names[0] for item in changes if item.verdict == "hurts"]
    removed = [item.names[0] for item in changes if item.remove]
    sentences = [
        f"Of the candidate's {len(changes)} changes these are shown to help: {', '.join(helping)}."
        if helping
        else f"None of the candidate's {len(changes)} changes is shown to help on its own."
    ]
    if hurting:
        sentences.append(f"These are shown to hurt: {', '.join(hurting)}.")
    if removed:
        sentences.append(
            f"Remove {', '.join(removed)}: the baseline leaves that out, and no gain of it is "
            "shown."
        )
    return " ".join(sentences)


def _feasible(objectives: Sequence[float | None]) -> list[float]:
    return [value for value in objectives if value is not None and math.isfinite(value)]
