"""The parts of a spec: what holds in every arm, and what holds under a condition.

Conditions nest to any depth, and may stand on a scientific hyperparameter that is conditional
itself. So the arms are the leaves of a tree: a value of one scientific hyperparameter may bring
another one along.

Source: the playbook, "Identifying scientific, nuisance, and fixed hyperparameters".
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tuning_playbook.declarations import ONE_MINUS, Value, same
from tuning_playbook.study import shape
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.study.import_spec import ImportSpec
from tuning_playbook.study.study import write_value
from tuning_playbook.study.values import DistributionShape, Scalar
from tuning_playbook.study.yaml import Location

Content = shape.StudySpec | ImportSpec | shape.Conditional

MOST_DISCRETE = 10
"""A range of so many whole numbers is a list of values; a longer one is sampled as a range."""


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
    """

    location: Location
    when: Mapping[str, tuple[Value, ...]]
    values: Mapping[str, tuple[Value, ...]]
    sampled: Mapping[str, Distribution]
    nuisance: Mapping[str, Distribution]
    fixed: Mapping[str, Value]
    content: Content

    @property
    def condition(self) -> str:
        """The condition, as `optimizer=adam|nadam, depth=2`; empty where there is none."""
        return ", ".join(
            f"{name}={'|'.join(map(write_value, values))}" for name, values in self.when.items()
        )

    def holds(self, setting: Mapping[str, Value]) -> bool:
        """Whether it is in an arm with these values of the scientific hyperparameters."""
        return all(
            name in setting and any(same(setting[name], value) for value in values)
            for name, values in self.when.items()
        )


def parts_of(spec: shape.StudySpec | ImportSpec) -> tuple[Part, ...]:
    """Return what holds in every arm, then each conditional part before those within it."""
    return tuple(_parts(spec, (), {}))


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
) -> Iterator[Part]:
    """Yield a part, those that hold where it searches what is scientific, and those within it.

    Args:
        content: The part as it is written.
        location: Its place in the spec.
        when: Its condition.
        to_search: The hyperparameters that the parts around it search in some of their arms.
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
    )
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
        yield from _parts(inner, (*location, "conditional", index), {**when, **both}, to_search)


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
