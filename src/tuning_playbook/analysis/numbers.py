"""Numbers as JSON can hold them: it knows neither NaN and infinity nor NumPy's types."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-12
"""Of the largest of some values: by so much they may differ and be equal all the same."""


def all_equal(values: NDArray[np.float64]) -> bool:
    """Whether values differ by no more than rounding."""
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def number(value: float) -> float | None:
    """Return a plain float, or None where it is not finite."""
    plain = float(value)
    return plain if math.isfinite(plain) else None


def plain(value: Any) -> Any:
    """Return a dataset's scalar as a Python value, None where it is missing (NaN or "")."""
    scalar = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(scalar, float):
        return number(scalar)
    return None if scalar == "" else scalar


def json_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a dataclass as a JSON object, for `dataclasses.asdict`."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in items}


def told(value: float, error: float) -> str:
    """Write a number with the digits that its error allows: two where that begins with 1 or 2.

    Args:
        value: The number.
        error: Half the width of its interval; where it is zero or not known, see `text`.

    Example:
        >>> told(0.021371, 0.0093), told(0.021371, 0.0013), told(1234.5, 400.0)
        ('0.021', '0.0214', '1200')
    """
    if not (math.isfinite(error) and error > 0 and math.isfinite(value)):
        return text(value)
    place = math.floor(math.log10(error))
    digits = -place + (1 if error / 10.0**place < 3 else 0)
    written = f"{round(value, digits):.{max(0, digits)}f}"
    return written.removeprefix("-") if float(written) == 0 else written


def error_of(mean: float, low: float, high: float) -> float:
    """Return half the width of the interval of a mean, as if the metric's range had cut off no end.

    Example:
        >>> error_of(2.0, 0.0, 5.0)
        3.0
    """
    return max(mean - low, high - mean)


def at_least(value: float, error: float) -> str:
    """Write a positive number, rounded up, with the digits that its error allows.

    Example:
        >>> at_least(0.00461, 0.0035)
        '0.005'
    """
    place = 10.0 ** math.floor(math.log10(error)) if error > 0 else 0.0
    step = place / (10 if place and error / place < 3 else 1)
    return told(math.ceil(value / step + 1e-9) * step, error) if step else text(value)


def probability(p: float) -> str:
    """Write a p-value: two digits, and no smaller than simulations can tell.

    Example:
        >>> probability(0.8588), probability(0.0234), probability(5e-5)
        ('p = 0.86', 'p = 0.023', 'p < 0.001')
    """
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"


def interval(low: float, high: float) -> str:
    """Write an interval with the digits that its width allows.

    Example:
        >>> interval(-0.00312, 0.0207)
        '-0.003 to 0.021'
    """
    error = (high - low) / 2
    return f"{told(low, error)} to {told(high, error)}"


def text(value: float) -> str:
    """Write a number for a sentence: four digits, and whole numbers in full.

    Example:
        >>> text(0.0123456), text(2.0), text(10240.0)
        ('0.01235', '2', '10240')
    """
    if abs(value) < 1e6 and value == int(value):
        return f"{value + 0.0:.0f}"  # not "-0"
    return f"{value:.4g}"
