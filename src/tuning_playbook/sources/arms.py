"""The arms of finished trials: which trial is in which, and what was searched in each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.declarations import ONE_MINUS, Hyperparameter, Value, same
from tuning_playbook.sources.derived_ranges import conditions_of, numbers_in, range_of
from tuning_playbook.study import shape
from tuning_playbook.study.conditions import SEARCHED, Part
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.study import Arm, Dimension, SearchedRole, arm_name, write_value
from tuning_playbook.study.yaml import Location
from tuning_playbook.trials.imported_trial import ImportedTrial


@dataclass(frozen=True)
class Place:
    """Where a trial is among the arms.

    Attributes:
        setting: The values of the scientific hyperparameters, as the spec gives them.
        order: The places of these values in their lists, by which arms are sorted.
        lacking: The place in the spec, and the name, of a scientific hyperparameter of which the
            trial has none of the listed values, so it is in no arm; None where it is in one.
    """

    setting: Mapping[str, Value]
    order: tuple[int, ...]
    lacking: tuple[Location, str] | None = None


@dataclass(frozen=True)
class Given:
    """What the spec says that a hyperparameter was searched over.

    Attributes:
        name: As in the spec, `one_minus_` included.
        target: The hyperparameter that it sets.
        distribution: What its values were drawn from.
        condition: The condition it is under.
        role: Its role.
        location: Its place in the spec.
    """

    name: str
    target: str
    distribution: Distribution
    condition: str
    role: SearchedRole
    location: Location

    def value(self, hyperparameters: Mapping[str, Value]) -> Value | None:
        """Return what was drawn in a trial; None where the hyperparameter does not exist."""
        value = hyperparameters.get(self.target)
        if self.name == self.target or value is None or isinstance(value, str):
            return value
        return one_minus(value)


def one_minus(value: Value) -> float:
    """Return one minus a number, to the twelve digits to which a spec resolves it."""
    return float(f"{1.0 - float(value):.12g}")


def place_of(parts: Sequence[Part], hyperparameters: Mapping[str, Value]) -> Place:
    """Return where a trial is: its own values lead to it, part by part.

    In the arm of `searched` it is where its value is none of the others that are listed.
    """
    setting: dict[str, Value] = {}
    order: list[int] = []
    while True:
        part = next(
            (part for part in parts if part.holds(setting) and part.values.keys() - setting), None
        )
        if part is None:
            return Place(setting, tuple(order))
        for name, values in part.values.items():
            if name in setting:
                continue
            own = hyperparameters.get(name)
            found = [n for n, value in enumerate(values) if own is not None and same(value, own)]
            if not found and own is not None:
                found = [n for n, value in enumerate(values) if value == SEARCHED]
            if not found:
                return Place(setting, tuple(order), ((*part.location, "scientific", name), name))
            setting[name] = values[found[0]]
            order.append(found[0])


def given_in(
    parts: Sequence[Part], setting: Mapping[str, Value], names: Sequence[str]
) -> Iterator[Given]:
    """Yield what the spec says of what was searched in an arm.

    Args:
        parts: The spec's.
        setting: The arm's values of the scientific hyperparameters.
        names: The hyperparameters of the trials.
    """
    roles: tuple[SearchedRole, ...] = ("scientific", "nuisance")
    for part in parts:
        if not part.holds(setting):
            continue
        for role, ranges in zip(roles, (part.sampled, part.nuisance), strict=True):
            for name, distribution in ranges.items():
                target = name if name in names else name.removeprefix(ONE_MINUS)
                here = (*part.location, role, name)
                yield Given(name, target, distribution, part.condition, role, here)


def arms_of(
    parts: Sequence[Part],
    searched: Sequence[ImportedTrial],
    known: Mapping[str, Hyperparameter],
    training: shape.Training,
    inverted: Collection[str] = (),
) -> tuple[Arm, ...]:
    """Return an arm for each combination of scientific values that some trial has.

    What the spec gives a range was searched over it. Anything else whose value differs between the
    trials of an arm was searched as well; its range is taken from them. Where that differs clearly
    between arms it is a hyperparameter of its own in each of them, as under a condition.

    Args:
        parts: The spec's.
        searched: The trials that compete.
        known: The hyperparameters of the trials, by name.
        training: How the trials were trained.
        inverted: Hyperparameters that were searched as one minus their value.
    """
    places: dict[str, Place] = {}
    trials: dict[str, list[ImportedTrial]] = {}
    for trial in searched:
        place = place_of(parts, trial.hyperparameters)
        name = arm_name(place.setting)
        places.setdefault(name, place)
        trials.setdefault(name, []).append(trial)
    names = sorted(places, key=lambda name: places[name].order)
    held = {
        name: {target for trial in trials[name] for target in trial.hyperparameters}
        for name in names
    }
    given = {
        name: {
            item.target: item
            for item in given_in(parts, places[name].setting, [*known])
            if item.target in held[name]
        }
        for name in names
    }
    settings = {name: places[name].setting for name in names}
    derived = {
        target: _derived(
            known[target],
            settings,
            trials,
            [n for n in names if target not in given[n]],
            inverted=target in inverted,
        )
        for target in known
    }
    arms = []
    for name in names:
        dimensions = [
            _dimension(item, known[item.target])
            if (item := given[name].get(target))
            else derived[target][name]
            for target in known
            if target in given[name] or name in derived[target]
        ]
        taken = {item.hyperparameter.name for item in dimensions}
        first = {
            target: value
            for trial in reversed(trials[name])
            for target, value in trial.hyperparameters.items()
            if target not in taken
        }
        arms.append(
            Arm(
                name=name,
                scientific=settings[name],
                batch_size=batch_size_of(trials[name][0].hyperparameters, training),
                dimensions=tuple(dimensions),
                fixed=first,
                defaulted=(),
            )
        )
    return tuple(arms)


def batch_size_of(hyperparameters: Mapping[str, Value], training: shape.Training) -> int:
    """Return the batch size of a configuration; 0 where it is not known."""
    value = hyperparameters.get("batch_size", training.batch_size or 0)
    return value if isinstance(value, int) else 0


def _dimension(given: Given, hyperparameter: Hyperparameter) -> Dimension:
    return Dimension(given.name, hyperparameter, given.distribution, given.condition, given.role)


def _derived(
    hyperparameter: Hyperparameter,
    settings: Mapping[str, Mapping[str, Value]],
    trials: Mapping[str, Sequence[ImportedTrial]],
    arms: Sequence[str],
    *,
    inverted: bool,
) -> dict[str, Dimension]:
    """Return a hyperparameter in the arms that are to search it, or whose trials differ in it.

    Args:
        hyperparameter: The hyperparameter.
        settings: The values of the scientific hyperparameters of each arm.
        trials: The trials of each arm.
        arms: The arms in which the spec gives it no range.
        inverted: Whether one minus it was searched.
    """
    name = hyperparameter.name
    searched = ONE_MINUS + name if inverted else name
    values: dict[str, list[Value]] = {}
    for arm in arms:
        held = [trial.hyperparameters.get(name) for trial in trials[arm]]
        varies = name not in settings[arm] and not all(same(v, held[0]) for v in held)
        if varies or settings[arm].get(name) == SEARCHED:
            values[arm] = [
                one_minus(value) if inverted else value for value in held if value is not None
            ]
    depends = {name} if any(settings[arm].get(name) == SEARCHED for arm in values) else set()
    if all(len(numbers_in(item)) == len(item) for item in values.values()):
        depends |= set(conditions_of(values, settings))
    conditions = {arm: _condition(settings[arm], depends) for arm in values}
    shared: dict[str, list[Value]] = {}
    for arm, condition in conditions.items():
        shared.setdefault(condition, []).extend(values[arm])
    dimensions = {
        condition: Dimension(
            searched,
            hyperparameter,
            range_of(held, searched),
            condition,
            derived=True,
        )
        for condition, held in shared.items()
    }
    return {arm: dimensions[condition] for arm, condition in conditions.items()}


def _condition(setting: Mapping[str, Value], depends: set[str]) -> str:
    """Return a condition on some hyperparameters, as a conditional part of a spec has it."""
    return ", ".join(
        f"{name}={write_value(value)}" for name, value in setting.items() if name in depends
    )
