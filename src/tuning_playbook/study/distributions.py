"""The distributions a hyperparameter is searched over, each as a map from the unit interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tuning_playbook.declarations import Value, repeated, same
from tuning_playbook.errors import SpecError

Kind = Literal["uniform", "log_uniform", "int_uniform", "log_int_uniform", "choice"]

SIGNIFICANT_DIGITS = 6
"""Sampled values are rounded to this, so that they are the same on every machine and read well."""


@dataclass(frozen=True)
class Distribution:
    """A distribution of one hyperparameter.

    Attributes:
        kind: Its name in a spec.
        low: Smallest value; NaN for a choice.
        high: Largest value; NaN for a choice.
        choices: The values of a choice, in the order given.
    """

    kind: Kind
    low: float = math.nan
    high: float = math.nan
    choices: tuple[Value, ...] = ()

    @property
    def scale(self) -> Literal["linear", "log", "categorical"]:
        """The scale in which the values are spread evenly."""
        if self.kind == "choice":
            return "categorical"
        return "log" if self.kind.startswith("log") else "linear"

    @property
    def integer(self) -> bool:
        """Whether the values are whole numbers."""
        return self.kind in ("int_uniform", "log_int_uniform")

    def value(self, u: float) -> Value:
        """Return the quantile at `u` in [0, 1).

        Integers get the same share of the unit interval each on a linear scale, and the share of
        [n - 1/2, n + 1/2] on a logarithmic one, so that the ends are as likely as their neighbours.

        Example:
            >>> Distribution("log_uniform", 1e-4, 1.0).value(0.5)
            0.01
            >>> [Distribution("int_uniform", 1, 4).value(u) for u in (0.0, 0.3, 0.6, 0.99)]
            [1, 2, 3, 4]
        """
        if self.kind == "choice":
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]
        if self.integer:
            low, high = self.low - 0.5, self.high + 0.5
            real = self._interpolate(low, high, u)
            return int(min(max(math.floor(real + 0.5), self.low), self.high))
        rounded = float(f"{self._interpolate(self.low, self.high, u):.{SIGNIFICANT_DIGITS}g}")
        return min(max(rounded, self.low), self.high)

    def position(self, value: Value) -> float:
        """Return where `value` lies in [0, 1]: in the middle of the share that gives it.

        Example:
            >>> Distribution("log_uniform", 1e-4, 1.0).position(0.01)
            0.5
            >>> [Distribution("int_uniform", 1, 4).position(n) for n in (1, 4)]
            [0.125, 0.875]
        """
        if self.kind == "choice":
            index = next(n for n, choice in enumerate(self.choices) if same(choice, value))
            return (index + 0.5) / len(self.choices)
        margin = 0.5 if self.integer else 0.0
        low, high, number = self.low - margin, self.high + margin, float(value)
        if self.scale == "log":
            low, high, number = math.log(low), math.log(high), math.log(number)
        return (number - low) / (high - low)

    def grid(self, points: int) -> list[Value]:
        """Return `points` values spread evenly from `low` to `high`; all choices of a choice.

        Integers that round to the same value are given once.
        """
        if self.kind == "choice":
            return list(self.choices)
        if points == 1:
            fractions: Sequence[float] = [0.5]
        else:
            fractions = [index / (points - 1) for index in range(points)]
        reals = [self._interpolate(self.low, self.high, u) for u in fractions]
        if self.integer:
            return list(dict.fromkeys(round(real) for real in reals))
        digits = SIGNIFICANT_DIGITS
        return [min(max(float(f"{x:.{digits}g}"), self.low), self.high) for x in reals]

    def contains(self, value: Value) -> bool:
        """Whether the distribution can give `value`."""
        if self.kind == "choice":
            return any(same(value, choice) for choice in self.choices)
        if isinstance(value, bool | str) or (self.integer and value != int(value)):
            return False
        return self.low <= value <= self.high

    def _interpolate(self, low: float, high: float, u: float) -> float:
        if self.scale == "log":
            return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        return low + u * (high - low)


def make_distribution(kind: Kind, values: Sequence[Value]) -> Distribution:
    """Check a distribution as a spec gives it: `[low, high]`, or the values of a choice.

    Raises:
        SpecError: It cannot be sampled; the message says why, without naming the place.
    """
    if kind == "choice":
        if repeated(values):
            raise SpecError("choice names a value twice; name each once")
        return Distribution(kind, choices=tuple(values))
    if len(values) != 2 or any(isinstance(v, bool | str) for v in values):
        raise SpecError(f"{kind} takes two numbers, [low, high], not {list(values)!r}")
    try:
        low, high = (float(value) for value in values)
    except OverflowError:
        raise SpecError(f"{kind} takes bounds that a floating-point number can hold") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise SpecError(f"{kind} takes finite bounds, not [{low:g}, {high:g}]")
    if low >= high:
        raise SpecError(
            f"{kind} [{low:g}, {high:g}] has no room between its bounds; give [low, high] with "
            "low < high, or put a single value under 'fixed'"
        )
    if kind.startswith("log") and low <= 0:
        raise SpecError(
            f"{kind} [{low:g}, {high:g}] reaches zero, where a logarithm has no value; "
            "give a positive low bound, or use a linear distribution"
        )
    if kind in ("int_uniform", "log_int_uniform") and (low != int(low) or high != int(high)):
        raise SpecError(f"{kind} takes whole numbers as bounds, not [{low:g}, {high:g}]")
    return Distribution(kind, low, high)
