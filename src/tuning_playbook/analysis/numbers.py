"""Numbers as JSON can hold them: it knows neither NaN and infinity nor NumPy's types."""

import math
from typing import Any

import numpy as np


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


def text(value: float) -> str:
    """Write a number for a sentence: four digits, and whole numbers in full.

    Example:
        >>> text(0.0123456), text(2.0), text(10240.0)
        ('0.01235', '2', '10240')
    """
    if abs(value) < 1e6 and value == int(value):
        return f"{value:.0f}"
    return f"{value:.4g}"
