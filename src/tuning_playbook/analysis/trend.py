"""A straight trend through consecutive evaluations, judged against their own noise."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.analysis.quantiles import student_quantile, student_tail
from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.dataset.evaluation_noise import gain_from_the_start
from tuning_playbook.study.needs import EARLY, LEAST_POINTS

LEAST_NOISES = 2.0
"""A change of fewer standard deviations of the values about the line is lost among them."""

CLEAR = 5.0
"""A change of so many standard deviations about the line is no wandering, however smooth."""

LEAST_FOR_MEMORY = 12
"""With fewer values the correlation of neighbours is not to be told."""

MOST_MEMORY = 0.95

ROUNDING = 1e-9
"""What rounding leaves of nothing, as a part of the values."""


MOST_OF_THE_REST = 30.0
"""Times the range of the later evaluations, that the whole gain is at most: see `whole_gain`."""


@dataclass(frozen=True)
class Trend:
    """A least-squares line through evenly spaced values.

    Attributes:
        change: Rise of the line from the first value to the last.
        noise: Standard deviation of the values about the line.
        error: Standard error of `change`.
        degrees: Degrees of freedom of `noise`, fewer where neighbouring values are alike.
    """

    change: float
    noise: float
    error: float
    degrees: float

    @property
    def p_rising(self) -> float:
        """Probability of a rise as large as this if the values only fluctuated about a level."""
        if self.error == 0:
            return 0.0 if self.change > 0 else 1.0
        return student_tail(self.change / self.error, self.degrees)

    def upper_bound(self, confidence: float) -> float:
        """Return what the true change stays below with `confidence`."""
        return self.change + student_quantile(confidence, self.degrees) * self.error


def fit_trend(values: Floats) -> Trend:
    """Fit a line through at least `LEAST_POINTS` finite values.

    What rounding leaves of a constant's change, or of a perfect line's noise, is taken for nothing.
    Evaluations of one model remember their last value: with twelve or more, and no change that is
    clear at first sight, the standard error grows and the degrees of freedom shrink, as the
    correlation of neighbouring residuals says.

    Example:
        >>> fit_trend(np.full(10, 0.7))
        Trend(change=0.0, noise=0.0, error=0.0, degrees=8.0)
    """
    x = np.linspace(-0.5, 0.5, len(values))
    spread = float(x @ x)
    nothing = ROUNDING * float(np.abs(values).max())
    change = float(x @ values) / spread
    change = change if abs(change) > nothing else 0.0
    residuals = values - values.mean() - change * x
    noise = math.sqrt(float(residuals @ residuals) / (len(values) - 2))
    noise = noise if noise > nothing else 0.0
    clear = abs(change) >= CLEAR * noise or len(values) < LEAST_FOR_MEMORY
    times = 1.0 if clear else _inflation(residuals)
    return Trend(
        change,
        noise,
        noise * math.sqrt(times / spread),
        max(1.0, len(values) / times - 2),
    )


def _inflation(residuals: Floats) -> float:
    """Return by how much the memory of residuals makes the variance of a mean larger.

    Source: M. S. Bartlett, "Some aspects of the time-correlation problem in regard to tests of
    significance", 1935; the bias of the correlation: F. H. C. Marriott and J. A. Pope, 1954.
    """
    memory = float(residuals[1:] @ residuals[:-1]) / float(residuals @ residuals)
    memory = min(max(memory + (1 + 3 * memory) / len(residuals), 0.0), MOST_MEMORY)
    return (1 + memory) / (1 - memory)


def can_be_judged(curve: Floats, window: NDArray[np.bool_]) -> bool:
    """Whether a curve has evaluations enough in a window, and a number at each: [eval_step]."""
    return bool(window.sum() >= LEAST_POINTS and np.isfinite(curve[window]).all())


def starts_early(curve: Floats, fractions: Floats) -> bool:
    """Whether a curve is known from so early on that it shows what training gained in all.

    Args:
        curve: NaN where it is not known: [eval_step].
        fractions: Of its training that were done at each evaluation: [eval_step].
    """
    known = np.flatnonzero(np.isfinite(curve))
    return bool(len(known) and fractions[known[0]] <= EARLY)


def whole_gain(curve: Floats) -> float:
    """Return what training gained in all on a curve, smaller being better: [eval_step].

    From the first evaluation that is known, so at least that much where trials of other tools have
    none before training. A first evaluation that is far beyond all others counts as 30 times
    their range.

    Example:
        >>> whole_gain(np.array([np.nan, 0.75, 0.25, 0.5]))
        0.5
    """
    known = curve[np.isfinite(curve)]
    return gain_from_the_start(known, MOST_OF_THE_REST)
