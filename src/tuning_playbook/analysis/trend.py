"""A straight trend through consecutive evaluations, judged against their own noise."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.analysis.memory import innovations
from tuning_playbook.analysis.quantiles import student_quantile, student_tail
from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.dataset.evaluation_noise import gain_from_the_start
from tuning_playbook.study.needs import EARLY, LEAST_POINTS

LEAST_NOISES = 2.0
"""A change of fewer standard deviations of the values about the line is lost among them."""

LEAST_SPAN = 0.75
"""Of a window's evaluations, from the first one that is known to the last one."""

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
        degrees: Degrees of freedom of `error`.
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


def fit_trend(values: Floats, memory: float = 0.0, *, first: float = 1.0) -> Trend:
    """Fit a line through at least `LEAST_POINTS` finite values.

    Evaluations of one model may remember their last value. Then the line is that of generalized
    least squares: it is fitted to what is new in each value (`innovations`).

    What rounding leaves of a constant's change, or of a perfect line's noise, is taken for nothing.

    Args:
        values: Evenly spaced: [n].
        memory: The correlation of a value's noise with the next one's.
        first: What the first value counts.

    Example:
        >>> fit_trend(np.full(10, 0.7))
        Trend(change=0.0, noise=0.0, error=0.0, degrees=8)
    """
    degrees = len(values) - 2
    nothing = ROUNDING * float(np.abs(values).max())
    line = np.stack([np.ones(len(values)), np.linspace(-0.5, 0.5, len(values))])
    basis, new = innovations(line, memory, first), innovations(values, memory, first)
    variances = np.linalg.inv(basis @ basis.T)
    fitted = variances @ (basis @ new)
    change = float(fitted[1]) if abs(fitted[1]) > nothing else 0.0
    noise = float(np.linalg.norm(values - fitted @ line)) / math.sqrt(degrees)
    if noise <= nothing:
        return Trend(change, 0.0, 0.0, degrees)
    left = float(np.linalg.norm(new - fitted @ basis))
    return Trend(change, noise, left * math.sqrt(variances[1, 1] / degrees), degrees)


def judged_part(curve: Floats, window: NDArray[np.bool_]) -> Floats | None:
    """Return the values of a curve in a window, of those that are known; None where too few are.

    There have to be `LEAST_POINTS`, that do not leave out more than a quarter of the window at its
    start or its end.

    Args:
        curve: NaN where it is not known: [eval_step].
        window: Which evaluations are asked about: [eval_step].

    Returns:
        [known evaluation of the window]

    Example:
        >>> judged_part(np.array([0.9, 0.5, np.nan, 0.4, 0.3, 0.2]), np.arange(6) >= 0)
        array([0.9, 0.5, 0.4, 0.3, 0.2])
    """
    values = curve[window]
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < LEAST_POINTS or known[-1] - known[0] + 1 < LEAST_SPAN * len(values):
        return None
    return np.asarray(values[known])


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
