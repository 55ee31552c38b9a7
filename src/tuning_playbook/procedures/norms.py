"""The histogram of a trial's gradient norms over all steps: quantiles, outliers, a threshold."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuning_playbook.procedures.procedure_history import Outcome
from tuning_playbook.study.thresholds import DEFAULTS

START = 0.9
"""The quantile at which a threshold starts (playbook, "Gradient clipping")."""

CAUGHT = 0.5
"""The least share of the outliers that a threshold must clip."""

DIGITS = 3
"""Digits of a threshold."""


@dataclass(frozen=True)
class Norms:
    """The number of steps by gradient norm.

    Attributes:
        bins: The lower edge of each bin, which rise by a constant factor: [bin].
        counts: The steps in each: [bin].
    """

    bins: Sequence[float]
    counts: Sequence[float]

    @property
    def steps(self) -> float:
        """Return the number of steps."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """Return a quantile of the norms, interpolated in the logarithm within a bin."""
        wanted, seen = share * self.steps, 0.0
        for low, high, count in self._bins():
            if count and seen + count >= wanted:
                return float(low * (high / low) ** ((wanted - seen) / count))
            seen += count
        return float(self.bins[-1])

    def share_above(self, norm: float) -> float:
        """Return the share of the steps whose norm is above a value."""
        above = 0.0
        for low, high, count in self._bins():
            if low >= norm:
                above += count
            elif high > norm:
                above += count * math.log(high / norm) / math.log(high / low)
        return above / self.steps if self.steps else 0.0

    def above(self, norm: float) -> "Norms":
        """Return the bins that begin at a norm or above it."""
        kept = [c if low >= norm else 0.0 for low, c in zip(self.bins, self.counts, strict=True)]
        return Norms(self.bins, kept)

    def _bins(self) -> Iterator[tuple[float, float, float]]:
        factor = self.bins[1] / self.bins[0]
        for low, count in zip(self.bins, self.counts, strict=True):
            yield low, low * factor, count


def norms_of(outcome: Outcome) -> Norms | None:
    """Return the norms of all steps of a trial; None where they were not counted."""
    if len(outcome.norm_bins) < 2 or not any(outcome.norm_counts):
        return None
    return Norms(outcome.norm_bins, outcome.norm_counts)


def first_threshold(norms: Norms) -> float:
    """Return the first norm to clip at.

    It is the 90th percentile, or low enough that at least half of the outliers are clipped, the
    steps with a norm of several times the median. It is above the median, so that fewer than half
    of all steps are clipped.

    Args:
        norms: The norms of a trial that is not clipped.
    """
    typical = norms.quantile(0.5)
    outliers = norms.above(typical * DEFAULTS.gradient_norms.outlier)
    threshold = norms.quantile(START)
    if outliers.steps:
        threshold = min(threshold, outliers.quantile(1 - CAUGHT))
    written = float(f"{threshold:.{DIGITS}g}")
    return written if written > typical else threshold
