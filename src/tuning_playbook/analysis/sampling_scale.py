"""The scale in which a hyperparameter's values were spread evenly, and a wider range in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import plain
from tuning_playbook.analysis.ranking import Floats, strings
from tuning_playbook.dataset.searched import Searched

Edge = Literal["low", "high"]
EDGES: tuple[Edge, ...] = ("low", "high")

WIDENING = 0.5
"""A range is widened by this part of its width in the sampling scale: enough to see whether the
objective turns, without leaving most of the next study's trials in unknown territory."""

LEAST_DECADES = 1.0
"""A logarithmic range is widened by at least this many factors of ten."""


@dataclass(frozen=True)
class SamplingScale:
    """An ordered range of values.

    Attributes:
        low: Smallest value.
        high: Largest value.
        log: Whether the values are spread evenly in their logarithm.
        integer: Whether the values are whole numbers.
        floor: What no value of this hyperparameter can lie below.
        ceiling: What no value of this hyperparameter can lie above.
    """

    low: float
    high: float
    log: bool
    integer: bool
    floor: float = -math.inf
    ceiling: float = math.inf

    def position(self, values: Floats) -> Floats:
        """Return where values lie, 0 at the low end and 1 at the high end."""
        low, high = self._spread(np.array([self.low, self.high]))
        return np.asarray((self._spread(values) - low) / (high - low))

    def value(self, position: float) -> float:
        """Return the value at a position, as `position` gives them."""
        low, high = self._spread(np.array([self.low, self.high]))
        spread = low + position * (high - low)
        return float(np.exp(spread) if self.log else spread)

    def widened(self, edge: Edge) -> tuple[float, float] | None:
        """Return a range that goes on beyond `edge`, or None where no value lies beyond it."""
        bound = self.low if edge == "low" else self.high
        limit = self.floor if edge == "low" else self.ceiling
        outward = -1.0 if edge == "low" else 1.0
        if outward * (bound - limit) >= 0:
            return None
        if self.log:
            decades = max(LEAST_DECADES, WIDENING * math.log10(self.high / self.low))
            moved = bound * 10.0 ** (outward * decades)
        else:
            moved = bound + outward * WIDENING * (self.high - self.low)
        if not self.floor < moved < self.ceiling:
            # Halfway to the limit is a valid value whether or not the limit itself is one.
            moved = limit if self.integer else (bound + limit) / 2
        moved = float(round(moved)) if self.integer else float(f"{moved:.3g}")
        return (moved, self.high) if edge == "low" else (self.low, moved)

    def _spread(self, values: Floats) -> Floats:
        return np.log(values) if self.log else values


def sampling_scale(study: xr.Dataset, searched: Searched) -> SamplingScale | None:
    """Return the scale of a searched hyperparameter; None for a choice, which has no order.

    A list of at least three different numbers has a scale too: its ends are the smallest and the
    largest of them, and it is logarithmic if the steps from one to the next are more alike as
    factors than as differences.
    """
    if searched.distribution == "list":
        scale = _list_range(values_tried(study, searched))
    elif searched.scale == "categorical" or not searched.low < searched.high:
        scale = None
    else:
        integer = searched.distribution in ("int_uniform", "log_int_uniform")
        scale = SamplingScale(searched.low, searched.high, searched.scale == "log", integer)
    return None if scale is None else _with_limits(scale, searched)


def values_where_searched(study: xr.Dataset, searched: Searched) -> Floats:
    """Return the values of the trials in the arms where it is searched: [trial].

    NaN elsewhere: the same name has another range there, or one value that no range need hold.
    """
    inside = np.isin(strings(study, "arm"), searched.arms)
    return np.where(inside, study[searched.variable].values.astype(float), np.nan)


def values_tried(study: xr.Dataset, searched: Searched) -> tuple[Any, ...]:
    """Return the values of a choice as the spec orders them, or those of a list as it ran."""
    if searched.choices:
        return searched.choices
    tried = study[searched.variable].values[np.isin(strings(study, "arm"), searched.arms)]
    values = dict.fromkeys(value for item in tried if (value := plain(item)) is not None)
    numbers = all(isinstance(value, int | float) for value in values)
    return tuple(sorted(values) if numbers else values)


def choice_place(value: Any, choices: Sequence[Any]) -> int | None:
    """Return which of some choices a trial's value is; None where it is none of them.

    A file may hold a truth value as a number or a text, and a whole number as a real one.

    Example:
        >>> choice_place("true", [False, True]), choice_place(32.0, [16, 32])
        (1, 1)
    """
    for place, choice in enumerate(choices):
        if value == choice or str(value).lower() == str(choice).lower():
            return place
    return None


def _list_range(values: Sequence[Any]) -> SamplingScale | None:
    if len(values) < 3 or not all(_is_number(value) for value in values):
        return None
    ordered = np.unique(np.array(values, dtype=float))
    if len(ordered) < 3:
        return None
    log = ordered[0] > 0 and _unevenness(np.log(ordered)) < _unevenness(ordered)
    whole = all(value == int(value) for value in values)
    return SamplingScale(float(ordered[0]), float(ordered[-1]), bool(log), whole)


def _unevenness(ordered: Floats) -> float:
    """Return the coefficient of variation of the steps from one value to the next."""
    steps = np.diff(ordered)
    return float(steps.std() / steps.mean())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with_limits(scale: SamplingScale, searched: Searched) -> SamplingScale:
    """Return the scale with the smallest and the largest valid value, as declared.

    Where nothing is declared they are guessed from the range: one of numbers that are not negative
    stays so, and one of counts stays at one or more. A linear range within [0, 1] is one of
    fractions (a dropout rate, a momentum), and so is `one_minus_<name>`.
    """
    if math.isfinite(searched.lowest) or math.isfinite(searched.highest):
        return replace(scale, floor=searched.lowest, ceiling=searched.highest)
    if scale.low < 0:
        return scale
    floor = min(scale.low, 1.0) if scale.integer else 0.0
    fraction = not scale.log and not scale.integer
    if scale.high <= 1 and (fraction or searched.name.startswith("one_minus_")):
        return replace(scale, floor=floor, ceiling=1.0)
    return replace(scale, floor=floor)
