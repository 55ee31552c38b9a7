"""What a study takes from the result of an earlier one: the rounds of the playbook.

    fixed: {learning_rate: {from: optimizer_choice, of: best}}
    fixed: {learning_rate: {from: stability, of: unstable_rate, times: 10}}
    scientific: {learning_rate: [0.1, {from: optimizer_choice, of: best}]}
    nuisance: {learning_rate: {from: optimizer_choice, around: best, factor: 4}}
    nuisance: {learning_rate: {log_uniform: [1.0e-4, {from: stability, of: unstable_rate}]}}
    training: {batch_size: {from: optimizer_choice, of: best}, ...}
    procedure: {name: batch_scaling, to: {from: sizes, of: largest}, step_times: {from: sizes}}
    reruns: {seeds: 2, variance: {from: optimizer_choice}}
    baseline: {from: optimizer_choice}

Such references are replaced by what they stand for before a spec is checked, so that nothing else
knows of them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Value
from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.study.distributions import SIGNIFICANT_DIGITS, Kind
from tuning_playbook.study.draft import error_at, key_of
from tuning_playbook.study.families import COMMON, families
from tuning_playbook.study.origin import EarlierResult, Taken, take
from tuning_playbook.study.references import (
    BEST,
    BaselineReference,
    RangeReference,
    StepTimesReference,
    ValueReference,
    VarianceReference,
)
from tuning_playbook.study.study import write_value
from tuning_playbook.study.workload_description import WorkloadDescription
from tuning_playbook.study.yaml import Location

KINDS = get_args(Kind)
"""The keys of distributions, whose bounds or values are listed."""

ANY_RANGE = {"uniform": [0.0, 1.0]}
"""What stands for a range that is not known yet."""

EarlierArm = tuple[str, str]
"""A study and one of its arms; the arm is empty where the best of all arms is meant."""


@dataclass(frozen=True)
class Reference:
    """A place of a spec that an earlier result fills in.

    Attributes:
        location: The place.
        wanted: What it says.
    """

    location: Location
    wanted: (
        ValueReference | RangeReference | VarianceReference | StepTimesReference | BaselineReference
    )

    @property
    def earlier(self) -> EarlierArm:
        """Return the study and the arm that it refers to."""
        return self.wanted.study, self.wanted.arm

    @property
    def name(self) -> str:
        """Return the name of what it stands for, also where it is in a list."""
        return next(
            str(k) for k in reversed(self.location) if isinstance(k, str) and k not in KINDS
        )


def find_references(document: Mapping[str, Any], path: Path, text: str) -> tuple[Reference, ...]:
    """Return every reference in a spec as YAML gives it.

    Raises:
        SpecError: One is not of the right shape.
    """
    found = []
    for location, value, model in _places(document):
        if isinstance(value, dict) and "from" in value:
            try:
                wanted = model.model_validate(value)
            except ValidationError as error:
                detail = error.errors(include_url=False)[0]
                known = ", ".join(field.alias or name for name, field in model.model_fields.items())
                raise error_at(
                    path,
                    text,
                    (*location, *detail["loc"]),
                    f"{detail['msg'][0].lower()}{detail['msg'][1:]} (known here: {known})",
                ) from None
            found.append(Reference(location, wanted))
    return tuple(found)


def put_in(
    document: Mapping[str, Any],
    references: Sequence[Reference],
    results: Mapping[EarlierArm, EarlierResult],
    workload: WorkloadDescription,
    *,
    path: Path,
    text: str,
) -> tuple[dict[str, Any], EarlierResult | None, tuple[Taken, ...]]:
    """Return a spec with results in the places of its references.

    Args:
        document: The spec.
        references: Those in it.
        results: What they refer to.
        workload: The study's, which knows what values are valid.
        path: The spec's file, for errors.
        text: Its text, for errors.

    Returns:
        The spec, without its baseline if that is a reference; the baseline, if it is one; and what
        was taken from where.

    Raises:
        SpecError: A result has not what is referred to.
    """
    settled = deepcopy(dict(document))
    baseline: EarlierResult | None = None
    taken = []
    for reference in references:
        result, wanted, name = (
            results.get(reference.earlier),
            reference.wanted,
            reference.name,
        )
        try:
            if result is None:
                raise SpecError(
                    f"the result of '{wanted.study}' is not known yet; snakemake trains it first"
                )
            if isinstance(wanted, BaselineReference):
                _check_study(result)
                baseline = result
                del settled["baseline"]
                taken.append(take("baseline", result.trial, result))
                continue
            if isinstance(wanted, VarianceReference):
                known = known_variance(result)
                _put(settled, reference.location, known)
                written = f"standard deviation {known['standard_deviation']:.3g}"
                taken.append(take(key_of(reference.location), written, result))
                continue
            if isinstance(wanted, StepTimesReference):
                times = step_times(result, workload)
                _put(settled, reference.location, times)
                written = f"the times of {len(times)} batch sizes"
                taken.append(take(key_of(reference.location), written, result))
                continue
            declared = _declared(workload, name.removeprefix(ONE_MINUS))
            if isinstance(wanted, ValueReference):
                value: Any = taken_value(result, name, wanted, declared)
                written = write_value(value)
            else:
                value = range_around(result, name, wanted.factor, declared)
                ((kind, bounds),) = value.items()
                written = f"{kind} [{bounds[0]:g}, {bounds[1]:g}]"
        except SpecError as error:
            raise error_at(path, text, reference.location, str(error)) from None
        _put(settled, reference.location, value)
        taken.append(take(key_of(reference.location), written, result))
    return settled, baseline, tuple(taken)


def without(document: Mapping[str, Any], references: Sequence[Reference]) -> dict[str, Any]:
    """Return a spec of the right shape in which values stand for references, whatever they are."""
    settled = deepcopy(dict(document))
    for reference in references:
        if isinstance(reference.wanted, BaselineReference):
            del settled["baseline"]
        elif isinstance(reference.wanted, VarianceReference):
            _put(settled, reference.location, {"standard_deviation": 1.0, "degrees_of_freedom": 4})
        elif isinstance(reference.wanted, StepTimesReference):
            _put(settled, reference.location, [])
        elif isinstance(reference.wanted, RangeReference):
            _put(settled, reference.location, ANY_RANGE)
        elif reference.location[-2] in KINDS:
            # Of one value of a distribution nothing is known yet, so neither is of the whole.
            _put(settled, reference.location[:-2], ANY_RANGE)
        else:
            _put(settled, reference.location, 1)
    return settled


def known_variance(result: EarlierResult) -> dict[str, Any]:
    """Return the trial variance of an earlier study, as a spec has it.

    Raises:
        SpecError: It was not measured; the message does not name the place.
    """
    _check_study(result)
    if result.deviation is None:
        raise SpecError(
            f"'{result.study}' does not know its trial variance: it takes five feasible reruns of "
            "one configuration, or a few of several, and they must differ"
        )
    return {
        "standard_deviation": result.deviation,
        "degrees_of_freedom": result.degrees,
        "study": result.study,
    }


def step_times(result: EarlierResult, workload: WorkloadDescription) -> list[dict[str, Any]]:
    """Return the times of a step that probes measured, as a spec has them.

    Raises:
        SpecError: There are none, or they are of another workload; the message does not name the
            place.
    """
    if not result.step_times:
        raise SpecError(
            f"'{result.study}' measured no times of a step on one machine: name a procedure "
            "batch_sizes, some of whose batch sizes fit"
        )
    if result.workload != workload.name:
        raise SpecError(
            f"the steps that '{result.study}' measured are of the workload '{result.workload}', "
            f"and this one's is '{workload.name}'"
        )
    return [dict(item) for item in result.step_times]


def taken_value(
    result: EarlierResult, name: str, wanted: ValueReference, declared: Hyperparameter | None
) -> Value:
    """Return the value that a reference takes, multiplied as it says.

    Args:
        result: What it refers to.
        name: What the value is for.
        wanted: The reference.
        declared: What is declared of that; None of a setting of training.

    Raises:
        SpecError: There is no such value, or it is no number to be multiplied; the message does not
            name the place.
    """
    value = value_of(result, name) if wanted.of == BEST else concluded_value(result, wanted.of)
    if wanted.times == 1:
        return value
    if isinstance(value, bool | str):
        raise SpecError(f"'{wanted.of}' is {write_value(value)}, and only a number has multiples")
    product = float(f"{value * wanted.times:.{SIGNIFICANT_DIGITS}g}")
    whole = declared is None or declared.whole
    return max(1, round(product)) if whole else product


def concluded_value(result: EarlierResult, of: str) -> Value:
    """Return a value of the conclusion of a procedure.

    Raises:
        SpecError: It is no procedure, has no such value, or did not find it; the message does not
            name the place.
    """
    if result.conclusion is None:
        raise SpecError(
            f"'{result.study}' is no procedure, so it has no '{of}': take 'of: {BEST}', a value of "
            "its best trial"
        )
    if of not in result.conclusion:
        known = list(result.conclusion)
        raise SpecError(
            f"the procedure '{result.study}' gives no '{of}'{nearest(of, known)} (it gives: "
            f"{', '.join(known)})"
        )
    value = result.conclusion[of]
    if value is None:
        raise SpecError(f"the procedure '{result.study}' found no '{of}': {result.sentence}")
    return value


def value_of(result: EarlierResult, name: str) -> Value:
    """Return the value of a hyperparameter.

    Raises:
        SpecError: The trial has none; the message does not name the place.
    """
    _check_study(result)
    target = name.removeprefix(ONE_MINUS)
    if name in result.values:
        return result.values[name]
    given = result.values.get(target)
    if name != target and isinstance(given, float):
        return float(f"{1.0 - given:.12g}")
    raise SpecError(
        f"the best trial of '{result.study}' ({result.trial}, in the arm '{result.arm}') has no "
        f"'{name}'{nearest(name, result.values)}"
    )


def _check_study(result: EarlierResult) -> None:
    """Check that a result is of a study, which has a best trial."""
    if result.conclusion is not None:
        raise SpecError(
            f"'{result.study}' is a procedure and has no best trial: say which value of its "
            f"conclusion is meant, with 'of: ...' (it gives: {', '.join(result.conclusion)})"
        )


def range_around(
    result: EarlierResult, name: str, factor: float, declared: Hyperparameter | None
) -> dict[str, Any]:
    """Return a distribution, as a spec has it, from a part of the value to a multiple of it.

    It ends where the hyperparameter's valid values do. Its scale is the earlier study's;
    logarithmic where that did not search it.

    Raises:
        SpecError: The value is no positive number; the message does not name the place.
    """
    value = value_of(result, name)
    if isinstance(value, bool | str) or value <= 0:
        raise SpecError(
            f"'{name}' is {write_value(value)} in the best trial of '{result.study}', and only "
            "around a positive number is there a range of factors: give the range itself, or "
            "take the value under 'fixed', with 'of: best'"
        )
    low, high = _valid(name, declared)
    low, high = max(low, value / factor), min(high, value * factor)
    scale = "" if result.scales.get(name) == "linear" else "log_"
    if declared is not None and declared.whole:
        return {f"{scale}int_uniform": [math.ceil(low), math.floor(high)]}
    digits = SIGNIFICANT_DIGITS
    return {f"{scale}uniform": [float(f"{low:.{digits}g}"), float(f"{high:.{digits}g}")]}


def _places(document: Mapping[str, Any]) -> Iterator[tuple[Location, Any, Any]]:
    """Yield every place where a reference may stand, what is there, and the shape it has."""
    for location, part in _parts(document, ()):
        for role, model in (("fixed", ValueReference), ("nuisance", RangeReference)):
            for name, value in _items(part.get(role)):
                yield (*location, role, name), value, model
                yield from _in_distribution((*location, role, name), value)
        for name, values in _items(part.get("scientific")):
            yield from _listed((*location, "scientific", name), values)
            yield from _in_distribution((*location, "scientific", name), values)
    trials = dict(_items(document.get("search"))).get("trials")
    for index, trial in enumerate(trials if isinstance(trials, list) else ()):
        for name, value in _items(trial):
            yield ("search", "trials", index, name), value, ValueReference
    training = dict(_items(document.get("training")))
    for key in ("batch_size", "max_train_steps"):
        yield ("training", key), training.get(key), ValueReference
    for name, value in _items(document.get("procedure")):
        wanted: Any = StepTimesReference if name == "step_times" else ValueReference
        yield ("procedure", name), value, wanted
    reruns = document.get("reruns")
    if isinstance(reruns, dict):
        yield ("reruns", "variance"), reruns.get("variance"), VarianceReference
    yield ("baseline",), document.get("baseline"), BaselineReference


def _items(given: Any) -> list[tuple[str, Any]]:
    """Return the items of what should be a mapping."""
    return list(given.items()) if isinstance(given, dict) else []


def _listed(location: Location, values: Any) -> Iterator[tuple[Location, Any, Any]]:
    """Yield the places of what should be a list."""
    for index, value in enumerate(values if isinstance(values, list) else ()):
        yield (*location, index), value, ValueReference


def _in_distribution(location: Location, given: Any) -> Iterator[tuple[Location, Any, Any]]:
    """Yield the places of the bounds or the values of what may be a distribution."""
    for kind, values in _items(given):
        if kind in KINDS:
            yield from _listed((*location, kind), values)


def _parts(part: Mapping[str, Any], location: Location) -> Iterator[tuple[Location, Any]]:
    """Yield a spec, or a condition's part of it, and the parts of the conditions within."""
    yield location, part
    within = part.get("conditional")
    for index, inner in enumerate(within if isinstance(within, list) else ()):
        if isinstance(inner, dict):
            yield from _parts(inner, (*location, "conditional", index))


def _put(document: dict[str, Any], location: Location, value: Any) -> None:
    place: Any = document
    for key in location[:-1]:
        place = place[key]
    place[location[-1]] = value


def _declared(workload: WorkloadDescription, name: str) -> Hyperparameter | None:
    """Return what is declared of a hyperparameter by whatever brings it."""
    members = [items for family in families(workload.optax) for items in family.members.values()]
    listed = [*COMMON, *(item for items in members for item in items)]
    return workload.hyperparameters.get(name) or next((i for i in listed if i.name == name), None)


def _valid(name: str, declared: Hyperparameter | None) -> tuple[float, float]:
    """Return the least and the greatest valid value that a spec can give by `name`."""
    if declared is None:
        return -math.inf, math.inf
    if name.startswith(ONE_MINUS):
        return 1.0 - declared.high, 1.0 - declared.low
    return declared.low, declared.high
