"""A threshold for gradient clipping: below the outliers, above most steps. On arrays alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuning_playbook.analysis.ranking import Floats

START = 0.9
"""The playbook's first threshold is the 90th percentile of the norms over all steps."""

HALF = 0.5
"""Of the outliers a threshold has to clip at least this many."""

DIGITS = 3
"""Of a threshold, where so few leave it what it is."""


@dataclass(frozen=True)
class StepNorms:
    """The histogram of gradient norms over steps.

    Attributes:
        edges: Of its bins, rising: [bin + 1].
        counts: Steps in each: [bin].
    """

    edges: Floats
    counts: Floats

    def share_above(self, norm: float) -> float:
        """Return the share of the steps whose norm exceeds `norm`, even in log within a bin.

        Example:
            >>> norms = StepNorms(np.array([1.0, 10.0, 100.0]), np.array([3.0, 1.0]))
            >>> norms.share_above(10.0), norms.share_above(100.0)
            (0.25, 0.0)
        """
        below = np.concatenate([[0.0], np.cumsum(self.counts)]) / self.counts.sum()
        return float(1 - np.interp(math.log(norm), np.log(self.edges), below))

    def quantile(self, share: float) -> float:
        """Return the norm that a share of the steps stays below, even in log within a bin."""
        below = np.concatenate([[0.0], np.cumsum(self.counts)]) / self.counts.sum()
        return float(np.exp(np.interp(share, below, np.log(self.edges))))

    def least_above(self, share: float) -> float:
        """Return the lowest edge of a bin that a smaller share than `share` of the steps exceeds.

        The steps above an edge are known exactly.

        Example:
            >>> StepNorms(np.array([1.0, 10.0, 100.0]), np.array([3.0, 1.0])).least_above(0.5)
            10.0
        """
        above = 1 - np.concatenate([[0.0], np.cumsum(self.counts)]) / self.counts.sum()
        return float(self.edges[np.argmax(above < share)])


@dataclass(frozen=True)
class Outliers:
    """The outlying norms of some steps.

    Attributes:
        norms: Each of them: [outlier].
        ordinary: The largest norm that would not have been outlying in its place: [outlier].
    """

    norms: Floats
    ordinary: Floats

    def clipped(self, threshold: float) -> int:
        """Return how many of them a threshold clips."""
        return int((self.norms > threshold).sum())


def clip_threshold(
    start: float, steps: StepNorms, groups: Sequence[Outliers], aggressive: float = HALF
) -> float | None:
    """Return a threshold that clips half of the outliers, at least, and few enough of the steps.

    It is `start` where that takes half of the outliers down to norms that are ordinary in their
    places, else the largest threshold that does. Where so low a one would clip a share of the steps
    of `aggressive` or more, it is the lowest that does not.

    Args:
        start: The threshold to begin with.
        steps: The steps of which it must not clip too many.
        groups: The outliers, half of each group of which it must clip; groups may be empty.
        aggressive: Share of the steps that is too much to clip.

    Returns:
        None where no single threshold clips half of the outliers and few enough steps.

    Source: playbook, "Gradient clipping": just above the typical norm, from the 90th percentile
    down, and more than half of the updates is too aggressive.
    """
    spiky = [outliers for outliers in groups if len(outliers.norms)]
    least = steps.least_above(aggressive)
    ordinary = min((_upper_half(item.ordinary) for item in spiky), default=math.inf)
    most = min((_upper_half(item.norms) for item in spiky), default=math.inf)
    wanted = max(min(start, ordinary), least)
    return _written(wanted, least, most) if wanted < most else None


def _upper_half(values: Floats) -> float:
    """Return the value that is exceeded, or reached, by half of the values."""
    return float(np.sort(values)[::-1][math.ceil(HALF * len(values)) - 1])


def _written(threshold: float, least: float, most: float) -> float:
    """Return a threshold with few digits, unless these move it out of its bounds."""
    short = float(f"{threshold:.{DIGITS}g}")
    return short if least <= short < most else threshold
