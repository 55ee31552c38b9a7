"""The hyperparameters of runs: each one's value in every run, in one type."""

from array import array
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tuning_playbook.declarations import NAME, ONE_MINUS, Value
from tuning_playbook.sources.arms import one_minus
from tuning_playbook.sources.column_types import Complaint, typed
from tuning_playbook.sources.naming import Naming
from tuning_playbook.sources.runs import SEED, Run
from tuning_playbook.sources.table import Cell
from tuning_playbook.study.equality import same_value

ONE_NUMBER = 2.0**-24
"""Of a number, what float32 rounds away at most."""

MANY = 8
"""Runs that no list of texts was searched over one by one."""

Values = tuple[Value | None, ...]
"""A hyperparameter's value in every run; None where it does not exist."""


def hyperparameter_columns(
    runs: Sequence[Run], named: Sequence[Mapping[str, Cell]], naming: Naming
) -> tuple[dict[str, Values], frozenset[str], list[str]]:
    """Return each hyperparameter's value in every run, the inverted, and what is said of them."""
    notes: list[str] = []
    columns: dict[str, Values] = {}
    trials = [run.name for run in runs]
    for name in dict.fromkeys(name for parameters in named for name in parameters):
        if name == SEED:
            continue
        found = typed(
            name,
            [parameters.get(name) for parameters in named],
            naming.types.get(name) or naming.implied.get(name),
            _complaint(runs, naming.what, name),
            trials,
        )
        values, more = one_value_each(name, found.values)
        if name not in naming.given and _another_each(values):
            more.append(
                f"{name} is another text in each of {len(values)} trials, so that no two are seeds "
                "of one configuration; if it is no hyperparameter, list those that are under "
                "'source.hyperparameters'."
            )
        columns[name] = values
        notes += [*found.notes, *more]
    return (*_set_right(runs, columns, naming), notes)


def one_value_each(name: str, values: Values) -> tuple[Values, list[str]]:
    """Return a column in which real numbers that are one are equal, and what is said of it.

    Numbers are one where one of them is the other in fewer digits, or in float32: one tool prints
    14 digits of what another prints 19 of, or keeps in float32. Two draws of a search that happen
    to lie as near are two. Of such as are one the first with the most digits stands.

    Example:
        >>> one_value_each("rate", (0.00025118864315, 0.0002511886431509582))[0]
        (0.0002511886431509582, 0.0002511886431509582)
    """
    numbers = sorted({value for value in values if isinstance(value, float)})
    place = {value: n for n, value in reversed([*enumerate(values)])}
    groups: list[list[float]] = []
    for number in numbers:
        if groups and abs(number - groups[-1][0]) <= ONE_NUMBER * abs(number):
            groups[-1].append(number)
        else:
            groups.append([number])
    several = [
        part
        for group in groups
        if len(group) > 1
        for part in _those_that_are_one(group)
        if len(part) > 1
    ]
    chosen = {
        number: max(group, key=lambda n: (len(repr(n)), -place[n]))
        for group in several
        for number in group
    }
    if not chosen:
        return values, []
    first = several[0]
    return tuple(
        chosen.get(value, value) if isinstance(value, float) else value for value in values
    ), [
        f"{name}: {' and '.join(map(str, first))} are read as one value, and so are all of which "
        "one is the other in fewer digits or in float32."
    ]


def _those_that_are_one(numbers: Sequence[float]) -> list[list[float]]:
    """Return numbers that lie near each other in groups of those that are one."""
    parts: list[list[float]] = []
    for number in sorted(numbers, key=lambda n: len(repr(n)), reverse=True):
        part = next((part for part in parts if any(_is_one(number, n) for n in part)), None)
        if part is None:
            parts.append([number])
        else:
            part.append(number)
    return parts


def _is_one(one: float, other: float) -> bool:
    """Whether one of two numbers is the other in fewer digits, or in float32.

    Digits may have been cut off or rounded.
    """
    last_digit = max(int(Decimal(repr(n)).as_tuple().exponent) for n in (one, other))
    return (
        abs(Decimal(one) - Decimal(other)) <= Decimal(1).scaleb(last_digit)
        or _in_float32(one) == other
        or _in_float32(other) == one
    )


def _in_float32(number: float) -> float:
    return array("f", [number])[0]


def _another_each(values: Values) -> bool:
    """Whether each of many runs has another text."""
    texts = {value for value in values if isinstance(value, str)}
    return len(values) >= MANY and len(texts) == len(values)


def _complaint(runs: Sequence[Run], what: str, name: str) -> Complaint:
    return lambda place, message: runs[place].error(what, name, message)


def _set_right(
    runs: Sequence[Run], columns: Mapping[str, Values], naming: Naming
) -> tuple[dict[str, Values], frozenset[str]]:
    """Return the columns with `one_minus_<name>` resolved to `<name>`, and these names.

    Raises:
        SourceError: A run has both, and they do not fit together.
    """
    found = dict(columns)
    inverted = set()
    for name, values in columns.items():
        base = name.removeprefix(ONE_MINUS)
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in _some(values))
        if base == name or name in naming.kept or not numeric or not NAME.fullmatch(base):
            continue
        beside = found.get(base, (None,) * len(values))
        for run, value, other in zip(runs, values, beside, strict=True):
            if value is not None and other is not None and not same_value(one_minus(value), other):
                raise run.error(
                    naming.what, name, f"{value} does not fit the {other} that '{base}' has"
                )
        found[base] = tuple(
            one_minus(value) if value is not None else other
            for value, other in zip(values, beside, strict=True)
        )
        del found[name]
        inverted.add(base)
    return found, frozenset(inverted)


def _some(values: Values) -> list[Value]:
    return [value for value in values if value is not None]
