"""The parts of a spec: what holds in every arm, and what holds under a condition.

Conditions nest to any depth, and may stand on a scientific hyperparameter that is conditional
itself. So the arms are the leaves of a tree: a value of one scientific hyperparameter may bring
another one along.

Source: the playbook, "Identifying scientific, nuisance, and fixed hyperparameters".
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tuning_playbook.declarations import DRAWN, ONE_MINUS, Value, same
from tuning_playbook.study import shape
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.import_spec import ImportSpec
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZER
from tuning_playbook.study.schedule_hyperparameters import SCHEDULE
from tuning_playbook.study.searches import ListSearch
from tuning_playbook.study.study import write_value
from tuning_playbook.study.values import DistributionShape, Scalar
from tuning_playbook.study.yaml import Location

Content = shape.StudySpec | ImportSpec | shape.Conditional

MOST_DISCRETE = 10
"""A range of this many whole numbers is a list of values; a longer one is sampled as a range."""


BRING_THEIR_OWN = {choice.name: choice.default for choice in (OPTIMIZER, SCHEDULE)}
"""The choices of training whose values have hyperparameters of their own, and their defaults."""

SEARCHED = "searched"
"""As a value of a scientific hyperparameter: the arm in which it is a nuisance hyperparameter,
beside those in which it is left out, or has one value."""


@dataclass(frozen=True)
class Part:
    """Hyperparameters that share a condition.

    Attributes:
        location: Its place in the spec.
        when: The values that scientific hyperparameters must take, those of the parts around it
            included; empty where it holds in every arm.
        values: The scientific hyperparameters that take one of some values, each making arms.
        sampled: The scientific hyperparameters that are sampled over a range.
        nuisance: The nuisance hyperparameters.
        fixed: The fixed ones.
        content: The same as it was written.
        drawn: The names in `when` that are nuisance choices: the part holds in some trials of an
            arm, those for which one of the values was drawn.
    """

    location: Location
    when: Mapping[str, tuple[Value, ...]]
    values: Mapping[str, tuple[Value, ...]]
    sampled: Mapping[str, Distribution]
    nuisance: Mapping[str, Distribution]
    fixed: Mapping[str, Value]
    content: Content
    drawn: frozenset[str] = frozenset()

    @property
    def condition(self) -> str:
        """What its arms have, as `optimizer=adam|nadam, depth=2`; empty where all have it."""
        return _written({name: v for name, v in self.when.items() if name not in self.drawn})

    @property
    def drawn_when(self) -> Mapping[str, tuple[Value, ...]]:
        """What its trials have: the values of nuisance choices."""
        return {name: values for name, values in self.when.items() if name in self.drawn}

    def searched_name(self, name: str) -> str:
        """The name by which it searches a hyperparameter, which says when that one exists."""
        return f"{name}{DRAWN}{_written(self.drawn_when)})" if self.drawn_when else name

    def holds(self, setting: Mapping[str, Value]) -> bool:
        """Whether it is in an arm with these values of the scientific hyperparameters."""
        return all(
            name in setting and any(same(setting[name], value) for value in values)
            for name, values in self.when.items()
        )


def parts_of(spec: shape.StudySpec | ImportSpec) -> tuple[Part, ...]:
    """Return what holds in every arm, then each conditional part before those within it."""
    # Which choices the trials of other tools drew is in their values; see `sources`.
    choices = frozenset(listed_choices(spec)) if isinstance(spec, shape.StudySpec) else None
    return tuple(_parts(spec, (), {}, choices=choices))


def listed_choices(spec: shape.StudySpec) -> dict[str, tuple[Value, ...]]:
    """Return the optimizers and the schedules of a list search that the spec has no role for."""
    if not isinstance(spec.search, ListSearch):
        return {}
    trials = spec.search.trials
    return {
        name: tuple(dict.fromkeys(entry.get(name, default) for entry in trials))
        for name, default in BRING_THEIR_OWN.items()
        if name not in spec.scientific and any(name in entry for entry in trials)
    }


def next_values(
    parts: Sequence[Part], setting: Mapping[str, Value]
) -> Mapping[str, tuple[Value, ...]]:
    """Return the scientific hyperparameters that a setting brings and that have no value yet.

    Those of one part at a time; empty where the setting is a whole arm's.
    """
    for part in parts:
        new = {name: values for name, values in part.values.items() if name not in setting}
        if new and part.holds(setting):
            return new
    return {}


def settings_of(
    parts: Sequence[Part], setting: Mapping[str, Value] | None = None
) -> Iterator[dict[str, Value]]:
    """Yield the values of the scientific hyperparameters of every arm, in the spec's order."""
    setting = setting or {}
    new = next_values(parts, setting)
    if not new:
        yield dict(setting)
        return
    for values in itertools.product(*new.values()):
        yield from settings_of(parts, {**setting, **dict(zip(new, values, strict=True))})


def draws_of(
    parts: Sequence[Part],
    setting: Mapping[str, Value],
    listed: Mapping[str, tuple[Value, ...]],
    drawn: Mapping[str, Value] | None = None,
) -> Iterator[dict[str, Value]]:
    """Yield what the trials of an arm may draw of the choices that others depend on.

    Those are the optimizer and the schedule, where they are nuisance hyperparameters, and what
    `when` names. One empty draw where an arm has none.

    Args:
        parts: The spec's.
        setting: The arm's values of the scientific hyperparameters.
        listed: What a list gives, see `listed_choices`.
        drawn: What is drawn already.
    """
    drawn = drawn or {}
    known = {**setting, **drawn}
    decisive = {*BRING_THEIR_OWN, *(name for part in parts for name in part.drawn)}
    found = {
        name: drawing.choices
        for part in parts
        if part.holds(known)
        for name, drawing in part.nuisance.items()
        if drawing.kind == "choice" and name in decisive
    }
    for name, choices in {**listed, **found}.items():
        if name not in known:
            for value in choices:
                yield from draws_of(parts, setting, listed, {**drawn, name: value})
            return
    yield dict(drawn)


def values_of(parts: Sequence[Part]) -> dict[str, tuple[Value, ...]]:
    """Return every value that each scientific hyperparameter takes in any arm."""
    found: dict[str, tuple[Value, ...]] = {}
    for part in parts:
        for name, values in part.values.items():
            known = found.get(name, ())
            found[name] = (*known, *(v for v in values if not any(same(v, k) for k in known)))
    return found


def _parts(
    content: Content,
    location: Location,
    when: Mapping[str, tuple[Value, ...]],
    to_search: frozenset[str] = frozenset(),
    choices: frozenset[str] | None = None,
    drawn: frozenset[str] = frozenset(),
) -> Iterator[Part]:
    """Yield a part, those that hold where it searches what is scientific, and those within it.

    Args:
        content: The part as it is written.
        location: Its place in the spec.
        when: Its condition.
        to_search: The hyperparameters that the parts around it search in some of their arms.
        choices: The nuisance choices of the parts around it; None where none is a condition.
        drawn: Those of them that its condition names.
    """
    scientific = {name: _discrete(given) for name, given in content.scientific.items()}
    values = {name: given for name, given in scientific.items() if isinstance(given, tuple)}
    nuisance = {name: given.distribution() for name, given in content.nuisance.items()}
    to_search |= {name for name, given in values.items() if SEARCHED in given}
    split = {name: name.removeprefix(ONE_MINUS) for name in nuisance}
    split = {name: target for name, target in split.items() if target in to_search}
    part = Part(
        location=location,
        when=when,
        values=values,
        sampled={
            name: given for name, given in scientific.items() if isinstance(given, Distribution)
        },
        nuisance={name: given for name, given in nuisance.items() if name not in split},
        fixed=content.fixed,
        content=content,
        drawn=drawn,
    )
    if choices is not None:
        choices |= {name for name, given in part.nuisance.items() if given.kind == "choice"}
    yield part
    for name, target in split.items():
        yield replace(
            part,
            when={**when, target: (SEARCHED,)},
            values={},
            sampled={},
            nuisance={name: nuisance[name]},
            fixed={},
        )
    for index, inner in enumerate(content.conditional):
        wanted = {
            name: tuple(given) if isinstance(given, list) else (given,)
            for name, given in inner.when.items()
        }
        both = {
            name: tuple(v for v in values if any(same(v, w) for w in when.get(name, values)))
            for name, values in wanted.items()
        }
        here = (*location, "conditional", index)
        named = drawn | (wanted.keys() & (choices or ()))
        yield from _parts(inner, here, {**when, **both}, to_search, choices, named)


def _written(when: Mapping[str, tuple[Value, ...]]) -> str:
    return ", ".join(f"{name}={'|'.join(map(write_value, v))}" for name, v in when.items())


def _discrete(
    given: list[Scalar] | DistributionShape,
) -> tuple[Value, ...] | Distribution:
    """Return the values that make arms, or the distribution of what is sampled over a range."""
    if isinstance(given, list):
        return tuple(given)
    distribution: Distribution = given.distribution()
    if distribution.kind == "choice":
        return distribution.choices
    if distribution.kind == "int_uniform" and distribution.high - distribution.low < MOST_DISCRETE:
        return tuple(range(int(distribution.low), int(distribution.high) + 1))
    return distribution
