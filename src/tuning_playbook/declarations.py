"""What a workload or an optimizer declares about itself, so that a spec can be checked."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tuning_playbook.errors import SpecError

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What a hyperparameter or a metric may be called."""

ONE_MINUS = "one_minus_"
"""`one_minus_<name>` sets `<name>` to one minus the value."""

DRAWN = " ("
"""A hyperparameter that exists only where a choice was drawn is searched as `<name> (<when>)`."""

Value = bool | int | float | str
"""A hyperparameter's value, as YAML gives it."""


def spec_name(searched: str) -> str:
    """Return the name that a spec has for a searched name, `one_minus_` included.

    Example:
        >>> spec_name("one_minus_b1 (optimizer=adam)")
        'one_minus_b1'
    """
    return searched.partition(DRAWN)[0]


def target_of(searched: str) -> str:
    """Return the name of the hyperparameter that a searched name sets.

    Example:
        >>> target_of("one_minus_b1 (optimizer=adam)")
        'b1'
    """
    return spec_name(searched).removeprefix(ONE_MINUS)


def same(one: object, other: object) -> bool:
    """Return whether two values of a spec are the same; unlike in Python, `True` is not `1`."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def repeated(values: Sequence[Value]) -> bool:
    """Return whether a list has a value twice."""
    return len({(value, isinstance(value, bool)) for value in values}) < len(values)


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter of a workload or an optimizer.

    Its kind is that of its default: a float default makes a real-valued hyperparameter, an int
    default an integer one, a bool or a str default a choice.

    Attributes:
        name: As written in a spec: lower case, digits and underscores.
        default: The value where a spec says nothing.
        description: One line for the report's table of roles.
        low: Smallest valid value of a number.
        high: Largest valid value of a number.
        low_open: Whether `low` itself is invalid.
        choices: The valid values of a choice; empty means any string.
        static: Whether a new value needs a new compiled program (a shape, a branch). Numbers
            that are not static are traced: trials that differ only in them compile once.
        off: The value at which the feature is absent. A trial with this value gets a program
            without the feature, and the value is a plain Python number there.
    """

    name: str
    default: Value
    description: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    choices: tuple[Value, ...] = ()
    static: bool = False
    off: float | None = None

    def traced(self, value: Value) -> bool:
        """Return whether the compiled program takes `value` as an argument, a float32 scalar."""
        number = isinstance(self.default, int | float) and not isinstance(self.default, bool)
        return number and not self.static and value != self.off

    @property
    def whole(self) -> bool:
        """Return whether it takes whole numbers."""
        return isinstance(self.default, int) and not isinstance(self.default, bool)

    def check(self, value: object) -> Value:
        """Return `value` in this hyperparameter's own type.

        Raises:
            SpecError: It is of another type or outside the valid values. The message says which
                values are valid; the caller adds the place.
        """
        if isinstance(self.default, bool) or self.choices or isinstance(self.default, str):
            return self._check_choice(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpecError(f"'{self.name}' takes a number, not {value!r}")
        if isinstance(self.default, int):
            if value != int(value):
                raise SpecError(f"'{self.name}' takes a whole number, not {value!r}")
            value = int(value)
        else:
            value = _real(value)
        below = value <= self.low if self.low_open else value < self.low
        if not math.isfinite(value) or below or value > self.high:
            raise SpecError(f"'{self.name}' must be {self._range()}, not {value!r}")
        return value

    def _check_choice(self, value: object) -> Value:
        choices = (False, True) if isinstance(self.default, bool) else self.choices
        if not choices:
            if isinstance(value, str):
                return value
            raise SpecError(f"'{self.name}' takes a text, not {value!r}")
        for choice in choices:
            if choice == value and type(choice) is type(value):
                return choice
        known = ", ".join(
            str(choice).lower() if isinstance(choice, bool) else repr(choice) for choice in choices
        )
        raise SpecError(f"'{self.name}' must be one of {known}, not {value!r}")

    def _range(self) -> str:
        more = "more than" if self.low_open else "at least"
        bounds = []
        if math.isfinite(self.low):
            bounds.append(f"{more} {self.low:g}")
        if math.isfinite(self.high):
            bounds.append(f"at most {self.high:.9g}")
        return " and ".join(bounds) or "finite"


def _real(value: int | float) -> float:
    """Return a number as a float; infinity where a float cannot hold it."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class Metric:
    """One metric of a workload: a mean over examples, or a number for a whole split.

    Attributes:
        name: As in `<split>/<name>`.
        description: The dataset's `long_name`.
        units: The dataset's `units`; empty for a plain number.
        low: Smallest value that it can have; the dataset's `valid_min`.
        high: Largest value that it can have; the dataset's `valid_max`. Intervals of the metric
            stay between the two.
        whole: Whether the workload's `summarize` computes it from a whole split, so that it is
            no mean over examples.
    """

    name: str
    description: str
    units: str = ""
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False

    @property
    def valid(self) -> dict[str, float]:
        """The known ends of its range, under the names that netCDF has for them."""
        ends = {"valid_min": self.low, "valid_max": self.high}
        return {name: float(end) for name, end in ends.items() if math.isfinite(end)}
