"""The explored space, and the part of it that is worth exploiting."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuning_playbook.declarations import ONE_MINUS, Value, same, target_of
from tuning_playbook.procedures.narrowed_range import (
    Ends,
    better_trials,
    narrowed,
    place_in,
    value_at,
)
from tuning_playbook.procedures.procedure_history import Outcome
from tuning_playbook.study import shape
from tuning_playbook.study.conditions import (
    BRING_THEIR_OWN,
    SEARCHED,
    Part,
    parts_of,
    values_of,
)
from tuning_playbook.study.distributions import Distribution

OUTER = 0.1
"""The outer part of a narrowed range that is near its edge."""

STEP = 0.5
"""The part of itself by which a range grows that is too narrow."""

Space = Mapping[str, Distribution]
"""The searched distributions, by their names in the spec."""


def compared_names(document: Mapping[str, Any]) -> list[str]:
    """Return the names of what makes the arms of a spec, or decides what else a trial has."""
    parts = _parts(document)
    decisive = {*BRING_THEIR_OWN, *(name for part in parts for name in part.drawn)}
    drawn = [name for part in parts for name in part.nuisance if name in decisive]
    return list(dict.fromkeys([*values_of(parts), *drawn]))


def space_of(document: Mapping[str, Any], best: Outcome) -> Space:
    """Return what a spec searches in the arm of a trial.

    A draw that decides what else there is, such as the optimizer, stays as it is in that trial.

    Args:
        document: The spec, as YAML gives it.
        best: The trial.
    """
    parts = _parts(document)
    decisive = {*BRING_THEIR_OWN, *(name for part in parts for name in part.drawn)}
    setting = {name: best.values[name] for name in decisive if name in best.values}
    for name, listed in values_of(parts).items():
        if name in best.values:
            value = best.values[name]
            known = any(same(value, item) for item in listed)
            setting[name] = SEARCHED if SEARCHED in listed and not known else value
    found: dict[str, Distribution] = {}
    for part in parts:
        if part.holds(setting):
            found |= {**part.sampled, **part.nuisance}
    return {name: drawn for name, drawn in found.items() if name not in decisive}


def value_in(trial: Outcome, name: str) -> Value:
    """Return a trial's value of what is searched, `one_minus_` names included."""
    if name in trial.values:
        return trial.values[name]
    return float(f"{1.0 - float(trial.values[target_of(name)]):.12g}")


def targets_of(space: Space) -> frozenset[str]:
    """Return every searched name, with and without `one_minus_`."""
    bare = {name.removeprefix(ONE_MINUS) for name in space}
    return frozenset({*bare, *(ONE_MINUS + name for name in bare)})


def alike(one: Outcome, other: Outcome, space: Space) -> bool:
    """Return whether two trials are of one arm: they differ only in what is searched."""
    bare = {name for name in (*one.values, *other.values) if name == target_of(name)}
    names = bare - targets_of(space)
    return all(
        name in one.values and name in other.values and same(one.values[name], other.values[name])
        for name in names
    )


def narrowed_space(space: Space, trials: Sequence[Outcome]) -> Space:
    """Return a space with its ranges narrowed to where the better quarter of the trials lie.

    A choice stays, and so does every range where there are fewer than eight feasible trials.

    Args:
        space: What was searched.
        trials: Those of one arm.
    """
    feasible = sorted((item for item in trials if item.loss is not None), key=_loss)
    better = feasible[: better_trials(len(feasible))]
    found = {}
    for name, drawn in space.items():
        ends: Ends | None = None
        if better and drawn.kind != "choice":
            ends = narrowed(drawn, [place_in(drawn, value_in(item, name)) for item in better])
        found[name] = (
            drawn if ends is None else Distribution(drawn.kind, float(ends[0]), float(ends[1]))
        )
    return found


def widened_space(space: Space, explored: Space, trials: Sequence[Outcome]) -> Space:
    """Return a narrowed space that is widened where its best two trials lie near an edge.

    It never goes beyond what was explored.

    Args:
        space: The narrowed space.
        explored: The space that it was narrowed from.
        trials: The trials of the search in it.
    """
    two = sorted((item for item in trials if item.loss is not None), key=_loss)[:2]
    found = {}
    for name, drawn in space.items():
        found[name] = drawn
        if drawn.kind == "choice" or len(two) < 2:
            continue
        places = [place_in(drawn, value_in(item, name)) for item in two]
        low, high = drawn.low, drawn.high
        if max(places) < OUTER:
            low = max(explored[name].low, float(value_at(drawn, -STEP)))
        if min(places) > 1 - OUTER:
            high = min(explored[name].high, float(value_at(drawn, 1 + STEP)))
        found[name] = Distribution(drawn.kind, low, high)
    return found


def at_the_edge(space: Space, trial: Outcome, part: float) -> list[str]:
    """Return the names of a trial's values at an end of a range that could be widened.

    A share or a strength cannot go below 0, nor its one minus above 1.

    Args:
        space: The space.
        trial: The trial.
        part: The part of a range that counts as its end.
    """
    found = []
    for name, drawn in space.items():
        if drawn.kind == "choice":
            continue
        place = place_in(drawn, value_in(trial, name))
        low = place <= part and drawn.low > 0
        high = place >= 1 - part and not (name.startswith(ONE_MINUS) and drawn.high == 1)
        found += [name] * (low or high)
    return found


def written_space(space: Space) -> dict[str, Any]:
    """Return a space in the form that a spec has under `nuisance`."""
    return {
        name: {drawn.kind: list(drawn.choices) or [_end(drawn, drawn.low), _end(drawn, drawn.high)]}
        for name, drawn in space.items()
    }


def read_space(document: Mapping[str, Any]) -> dict[str, Distribution]:
    """Return the space that a spec without conditions searches."""
    return {name: item for part in _parts(document) for name, item in part.nuisance.items()}


def _parts(document: Mapping[str, Any]) -> tuple[Part, ...]:
    return parts_of(shape.StudySpec.model_validate(dict(document)))


def _end(drawn: Distribution, value: float) -> int | float:
    return round(value) if drawn.integer else value


def _loss(outcome: Outcome) -> float:
    assert outcome.loss is not None
    return outcome.loss
