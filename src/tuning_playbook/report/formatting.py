"""Numbers and values as the report prints them."""

import math
import re
from collections.abc import Mapping, Sequence

from tuning_playbook.analysis.numbers import told

MISSING = "–"
"""The text for a missing value."""

MINUTE, HOUR = 60, 3600


def is_missing(value: object) -> bool:
    """Whether `value` marks a missing value in a dataset or a JSON file."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def number(value: float | None, digits: int = 4) -> str:
    """Format a number with `digits` significant digits; whole numbers in full.

    Example:
        >>> number(0.0123456), number(20000.0), number(float("nan"))
        ('0.01235', '20000', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.{digits}g}"


def measured(value: float | None, error: float | None) -> str:
    """Format a number with the digits that its error allows.

    Example:
        >>> measured(0.036712, 0.0021), measured(0.036712, None), measured(None, None)
        ('0.0367', '0.03671', '–')
    """
    if value is None or error is None or not error > 0:
        return number(value)
    return told(value, error)


def signed(value: float, error: float) -> str:
    """Format a difference with its sign and the digits that its error allows.

    Example:
        >>> signed(0.00312, 0.0007), signed(-0.00312, 0.0007)
        ('+0.0031', '−0.0031')
    """
    written = told(value, error)
    if value > 0:
        return f"+{written}"
    return written.replace("-", "−", 1)


def text(value: object, digits: int = 4) -> str:
    """Format a hyperparameter's value or any other value of a JSON file on one line.

    Example:
        >>> text(True), text("relu"), text([0.1, None]), text({"low": 1, "high": 2})
        ('true', 'relu', '0.1, –', 'low: 1, high: 2')
    """
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value, digits)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {text(item, digits)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        separator = "; " if any(isinstance(item, Mapping) for item in value) else ", "
        return separator.join(text(item, digits) for item in value) or "none"
    return str(value)


def flatten(value: object, path: str = "") -> list[tuple[str, str]]:
    """List the numbers of a finding as labels and texts, nested names joined.

    Example:
        >>> flatten({"margin": 0.1, "arms": {"adam": {"share": 0.25}}})
        [('margin', '0.1'), ('arms › adam › share', '0.25')]
    """
    if not isinstance(value, Mapping) or not value:
        return [(path, text(value))]
    return [
        pair
        for key, item in value.items()
        for pair in flatten(item, f"{path} › {key}" if path else str(key))
    ]


def duration(seconds: float | None) -> str:
    """Format a time with the unit that suits it.

    Example:
        >>> duration(4.25), duration(754), duration(7500)
        ('4.2 s', '12 min 34 s', '2 h 5 min')
    """
    if seconds is None or math.isnan(seconds):
        return MISSING
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"
    return f"{int(seconds // HOUR)} h {int(seconds % HOUR // MINUTE)} min"


def memory(size: float | None) -> str:
    """Format a number of bytes.

    Example:
        >>> memory(512), memory(3 * 2**30)
        ('512 B', '3.0 GiB')
    """
    if size is None or math.isnan(size):
        return MISSING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def anchor(name: str) -> str:
    """Return `name` in characters that an id and a link to it can hold.

    Example:
        >>> anchor("axis_learning_rate.optimizer=adam")
        'axis_learning_rate-optimizer-adam'
    """
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)
