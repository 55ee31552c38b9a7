"""The changes that a study's findings ask for in the next round, as edits of its spec."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import plain, text
from tuning_playbook.analysis.ranking import best_trials, losses
from tuning_playbook.analysis.sampling_scale import choice_place
from tuning_playbook.analysis.training_length import LONGER
from tuning_playbook.declarations import Value
from tuning_playbook.procedures.train_steps import decays_to_its_end, steps_are_given
from tuning_playbook.study.conditions import Part, parts_of
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.idle_rate import WARMUP_STEPS
from tuning_playbook.study.schedule_hyperparameters import STEPS
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.study import Arm, Study
from tuning_playbook.study.yaml import Location

MOSTLY = 0.75
"""Least share of infeasible trials in a corner that is cut off. A corner with more feasible trials
might hold the best one of the next round."""

CLIP_NORM = "clip_norm"

DECAY_TOO = " The decay of the learning rate goes with it."

_Edit = tuple[Location, Any]


@dataclass(frozen=True)
class Change:
    """One change of a spec.

    Attributes:
        check: The finding that asks for it.
        reason: What was found and what is done about it, in a sentence.
        edits: The places in the spec with their new values; None removes a place. The reason is
            written before the last place.
        clause: The same in a few words, for the goal of the next round; empty where the goal says
            it anyway.
    """

    check: str
    reason: str
    edits: tuple[tuple[Location, Any], ...]
    clause: str = ""


@dataclass(frozen=True)
class SearchedRange:
    """A searched hyperparameter as one part of the spec has it."""

    part: Part
    role: str
    name: str
    distribution: Distribution
    arms: tuple[str, ...]

    @property
    def location(self) -> Location:
        """Return its place in the spec."""
        return (*self.part.location, self.role, self.name)

    @property
    def searched_name(self) -> str:
        """Return its name in findings and datasets."""
        return self.part.searched_name(self.name)

    def concerns(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row of a finding is about this one."""
        return row["hyperparameter"] == self.searched_name and row["arm"] in self.arms

    def end(self, edge: str, value: float) -> tuple[Location, Any]:
        """Return the edit that moves an end of the range."""
        place = (*self.location, self.distribution.kind, 0 if edge == "low" else 1)
        return place, int(value) if self.distribution.integer else float(f"{value:.4g}")


def propose(
    study: Study, dataset: xr.Dataset, findings: Sequence[Finding], *, settled: bool = True
) -> tuple[Change, ...]:
    """Return the changes that findings ask for, those of the space first.

    - A range is widened as the finding proposes if the best trials cluster at its edge, or the
      best one lies on the very edge. A range that several arms share goes as far as any of them
      asks for.
    - A corner where at least three in four trials are infeasible is cut off, if every arm that
      searches the range shows it and the best trial of each stays inside.
    - A nuisance hyperparameter that can be fixed in every arm is fixed at the best trial's value.
    - `max_train_steps` becomes what the best steps propose. If they propose nothing and a best
      trial was still improving, it is doubled. The decay of a learning rate is scaled with it. The
      steps do not change if they are given, and do not grow if the rate has decayed by the end, see
      `why_no_other_steps`.
    - The clip threshold becomes the smallest that is proposed for an arm with outlying gradient
      norms, if it clips few enough steps in every arm, because the arms share one threshold.

    Source: playbook, "The incremental tuning strategy" and the sections that the findings name.

    Args:
        study: The study, with the arms that go on.
        dataset: Its trials.
        findings: What the checklist found of them.
        settled: Whether nothing new is asked. Then a nuisance hyperparameter that did not matter
            will not matter, and the number of steps can be judged.
    """
    by_check = {finding.check: finding.numbers for finding in findings}
    ranges = tuple(ranges_of(study))
    widened = tuple(_widen(ranges, by_check.get("boundary", {})))
    moved = {place for change in widened for place, _ in change.edits}
    cut = _cut_off(ranges, dataset, by_check.get("infeasible", {}), moved)
    at_boundary = {place[:-2] for place in moved}
    fixed = _fix(ranges, dataset, by_check.get("importance", {}), at_boundary) if settled else ()
    earlier = (*widened, *cut, *fixed)
    return (
        *earlier,
        *(_train_longer_or_shorter(study, by_check, earlier) if settled else ()),
        *_clip(study, by_check.get("gradient_norms", {})),
    )


def ranges_of(study: Study) -> Iterator[SearchedRange]:
    """Yield what a study searches, part by part of its spec."""
    for part in parts_of(study.spec):
        for role, searched in (("scientific", part.sampled), ("nuisance", part.nuisance)):
            for name, distribution in searched.items():
                arms = tuple(
                    arm.name
                    for arm in study.arms
                    if (part.searched_name(name), part.condition)
                    in {(d.name, d.condition) for d in arm.dimensions}
                )
                yield SearchedRange(part, role, name, distribution, arms)


def _widen(ranges: Iterable[SearchedRange], numbers: Mapping[str, Any]) -> Iterator[Change]:
    rows = [row for row in numbers.get("hyperparameters", ()) if row["proposed_range"]]
    for item in ranges:
        for edge, place, farthest in (("low", 0, min), ("high", 1, max)):
            asking = [row for row in rows if item.concerns(row) and row["edge"] == edge]
            if asking and item.distribution.kind != "choice":
                end = farthest(row["proposed_range"][place] for row in asking)
                clusters = [row["arm"] for row in asking if not row["on_the_very_edge"]]
                arms = ", ".join(clusters or [row["arm"] for row in asking])
                found = (
                    f"the best trials of {arms} cluster at the {edge} edge"
                    if clusters
                    else f"the best trial of {arms} lies on the very {edge} edge"
                )
                yield Change(
                    "boundary",
                    f"{found} of {item.name}, so it goes on to {text(end)}.",
                    (item.end(edge, end),),
                    f"with {item.name} searched {'down' if edge == 'low' else 'up'} to {text(end)}",
                )


def _cut_off(
    ranges: Iterable[SearchedRange],
    dataset: xr.Dataset,
    numbers: Mapping[str, Any],
    moved: set[Location],
) -> Iterator[Change]:
    bests = best_trials(dataset)
    corners = [
        row
        for row in numbers.get("regions", ())
        if row["infeasible_beyond"] >= MOSTLY * row["beyond"]
    ]
    for item in ranges:
        for edge, innermost in (("low", min), ("high", max)):
            rows = [row for row in corners if item.concerns(row) and row["edge"] == edge]
            if not rows or {row["arm"] for row in rows} != set(item.arms):
                continue
            value = innermost(row["value"] for row in rows)
            inward = 1 if edge == "low" else -1
            change = item.end(edge, value + inward * item.distribution.integer)
            values = dataset[f"hp_{item.searched_name}"].values.astype(float)
            kept = [
                inward * values[bests[arm]] >= inward * change[1]
                for arm in item.arms
                if arm in bests and math.isfinite(values[bests[arm]])  # else another was drawn
            ]
            if change[0] not in moved and all(kept):
                lost = sum(row["infeasible_beyond"] for row in rows)
                yield Change(
                    "infeasible",
                    f"{lost} of {sum(row['beyond'] for row in rows)} trials from {text(value)} on "
                    f"to the {edge} end of {item.name} are infeasible, so that end is cut off.",
                    (change,),
                    f"without the infeasible {edge} end of {item.name}",
                )


def _fix(
    ranges: Iterable[SearchedRange],
    dataset: xr.Dataset,
    numbers: Mapping[str, Any],
    at_boundary: set[Location],
) -> Iterator[Change]:
    bests = best_trials(dataset)
    for item in ranges:
        rows = [row for row in numbers.get("hyperparameters", ()) if item.concerns(row)]
        everywhere = {row["arm"] for row in rows if row["can_be_fixed"]} == set(item.arms)
        trials = [bests[arm] for arm in item.arms if arm in bests]
        if item.role != "nuisance" or not rows or not everywhere or item.location in at_boundary:
            continue
        best = min(trials, key=lambda trial: float(losses(dataset)[trial]))
        value = written(item.distribution, plain(dataset[f"hp_{item.searched_name}"].values[best]))
        if value is None:
            continue
        most = max(row["total_high"] for row in rows)
        yield Change(
            "importance",
            f"{item.name} has a part in at most {most:.0%} of the variance of the objective, so "
            "it is fixed at the best trial's value; that is a caveat of what this round finds.",
            (
                (("search", "points", item.name), None),
                (item.location, None),
                ((*item.part.location, "fixed", item.name), value),
            ),
        )


def written(distribution: Distribution, value: Any) -> Value | None:
    """Return a value of the dataset as a spec writes it; None where it is missing."""
    if distribution.kind == "choice":
        place = choice_place(value, distribution.choices)
        return None if place is None else distribution.choices[place]
    if value is None:
        return None
    return int(value) if distribution.integer else float(value)


def _train_longer_or_shorter(
    study: Study, by_check: Mapping[str, Mapping[str, Any]], earlier: Sequence[Change]
) -> Iterator[Change]:
    now = study.spec.training.max_train_steps
    if steps_are_given(study):
        return
    found = by_check.get("best_steps", {})
    proposed = found.get("proposed_max_train_steps")
    decayed = decays_to_its_end(study)
    if decayed and proposed is not None and proposed > found["max_train_steps"]:
        return
    place = ("training", "max_train_steps")
    if proposed is not None:
        longer = proposed > found["max_train_steps"]
        steps = LONGER * now if longer else min(proposed, now)
        part = "last" if longer else "first"
        decay = tuple(_decay_for(study, steps, earlier))
        yield Change(
            "best_steps",
            f"{found[f'in_{part}_part']} of {found['feasible']} feasible trials were best in the "
            f"{part} part of {now} steps.{DECAY_TOO if decay else ''}",
            (*decay, (place, steps)),
        )
        return
    arms = by_check.get("still_improving", {}).get("arms", ())
    improving = [row["arm"] for row in arms if row["still_improving"]]
    if improving and not decayed:
        decay = tuple(_decay_for(study, LONGER * now, earlier))
        yield Change(
            "still_improving",
            f"the best trial of {', '.join(improving)} was still improving after {now} steps."
            f"{DECAY_TOO if decay else ''}",
            (*decay, (place, LONGER * now)),
        )


def _decay_for(study: Study, steps: int, earlier: Iterable[Change]) -> Iterator[_Edit]:
    """Return the edits that let the decay of a learning rate fill another number of steps.

    Everything after the warmup is stretched or shortened together, including a hold and the steps
    of drops, so a decay that ended with the run still does. A decay of 0 steps fills a run of any
    length.

    Args:
        study: The study.
        steps: The steps of the next round's trials.
        earlier: The changes before this one, which may be of the same hyperparameter.
    """
    changed = {place: value for change in earlier for place, value in change.edits}
    for part, name in itertools.product(parts_of(study.spec), STEPS):
        arms = [
            draw
            for arm in study.arms
            for setting, draw in zip(arm.settings, arm.each_draw(), strict=True)
            if part.holds(setting)
        ]
        factor = _growth(study, arms, steps)
        fixed = (*part.location, "fixed", name)
        if fixed in changed or name in part.fixed:
            value = changed.get(fixed, part.fixed.get(name))
            if value:
                yield fixed, _scaled(value, factor)
        if name in part.values:
            place = (*part.location, "scientific", name)
            yield place, [_scaled(value, factor) for value in part.values[name]]
        for role, ranges in (("scientific", part.sampled), ("nuisance", part.nuisance)):
            place = (*part.location, role, name)
            if name in ranges and place not in changed:
                drawn = ranges[name]
                place = (*place, drawn.kind)
                ends = drawn.choices if drawn.kind == "choice" else (drawn.low, drawn.high)
                ends = tuple(changed.get((*place, n), end) for n, end in enumerate(ends))
                yield place, [_scaled(end, factor) for end in ends]
    if isinstance(study.spec.search, ListSearch):
        for number, entry in enumerate(study.spec.search.trials):
            for name in STEPS:
                if name in entry:
                    place = ("search", "trials", number, name)
                    yield place, _scaled(entry[name], _growth(study, study.arms, steps))


def _growth(study: Study, arms: Sequence[Arm], steps: int) -> float:
    """Return the factor for the decays of some arms; exact where they share one warmup."""
    training = study.spec.training
    now = training.max_train_steps
    warmups = {arm.fixed.get(WARMUP_STEPS) for arm in arms}
    warmup = warmups.pop() if len(warmups) == 1 and not training.warmup_extends else None
    if isinstance(warmup, int) and warmup < min(now, steps):
        return (steps - warmup) / (now - warmup)
    return steps / now


def _scaled(value: Any, factor: float) -> Any:
    """Return a number of steps multiplied by `factor`; other values stay as they are."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return round(value * factor) if number else value


def _clip(study: Study, numbers: Mapping[str, Any]) -> Iterator[Change]:
    rows = numbers.get("arms", ())
    spiky = [row for row in rows if row["outlying_windows"] or row["many"]]
    searched = any(item.name == CLIP_NORM for arm in study.arms for item in arm.dimensions)
    if not spiky or searched or any(row["too_aggressive"] for row in spiky):
        return
    proposed = [row["proposed_clip_norm"] for row in spiky]
    least = [row["least_clip_norm"] for row in rows if row["least_clip_norm"] is not None]
    # One threshold for all arms, so that the comparison stays fair.
    if None not in proposed and min(proposed) >= max(least):
        arms = ", ".join(row["arm"] for row in spiky)
        yield Change(
            "gradient_norms",
            f"trials of {arms} have outlying gradient norms; this threshold clips half of them at "
            "least, and fewer than half of the steps of each best trial.",
            ((("fixed", CLIP_NORM), min(proposed)),),
            f"with gradients clipped at {text(min(proposed))}",
        )
