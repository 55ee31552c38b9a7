"""What the metrics of another tool's trials can be at all, where nobody declares it."""

import math
from collections.abc import Iterable

NOT_NEGATIVE = ("loss", "error", "perplexity")
"""Of metrics with such names none is below zero."""

SHARES = (
    "accuracy",
    "error_rate",
    "precision",
    "recall",
    "f1",
    "mean_average_precision",
    "bleu",
)
"""Metrics with such names are shares: from 0 to 1, or to 100 where they are told in per cent."""


def range_of(name: str, values: Iterable[float]) -> tuple[float, float]:
    """Return the smallest and the largest value that a metric can have, by its name.

    The name begins or ends with a word of the lists above, and every value that was measured must
    agree with it; otherwise nothing is supposed.

    Args:
        name: The metric's, without its split.
        values: All that was measured of it, in every trial and split.

    Example:
        >>> range_of("error_rate", [0.9, 0.03]), range_of("top_accuracy", [76.1, 0.5])
        ((0.0, 1.0), (0.0, 100.0))
        >>> range_of("ce_loss", [2.3, 0.4]), range_of("loss", [2.3, -0.4])
        ((0.0, inf), (-inf, inf))
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    if low >= 0 and high <= 100 and _named(name, SHARES):
        return 0.0, 1.0 if high <= 1 else 100.0
    if low >= 0 and _named(name, NOT_NEGATIVE):
        return 0.0, math.inf
    return -math.inf, math.inf


def _named(name: str, words: Iterable[str]) -> bool:
    return any(
        name == word or name.startswith(f"{word}_") or name.endswith(f"_{word}") for word in words
    )
