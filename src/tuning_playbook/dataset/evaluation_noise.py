"""How far the evaluations of one curve scatter, whatever its trend and its jumps."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_OF_THE_REST = 3.0
"""A first evaluation may be far beyond all others, as a perplexity is of a model that knows
nothing; what is gained from there says little of what can be lost."""

REAL = 10.0
"""A range of so many standard deviations is no noise."""

LEAST_EVALUATIONS = 4
"""Two second differences; with fewer there is no scatter to see."""

QUANTILE = 0.25
"""Of the absolute second differences. A jump makes two of them large, and the fall at the start
some more: on a short curve that is half of them."""

NORMAL_QUANTILE = 0.3186
"""The same quantile of the absolute value of a standard normal number."""


MOST_ROUNDING = 0.02
"""Of a curve's range: one that has two values only has large steps, and no noise."""


def evaluation_noise(curve: Floats) -> float:
    """Return the standard deviation of a curve's evaluations about its trend.

    From the lower quartile of the absolute second differences, which a straight trend does not
    enter and a few jumps do not move; of independent normal noise they have six times its variance.
    Where a metric that counts examples makes it zero, it is half of the curve's smallest step, or
    2 % of its range if that is less.

    Source: J. Rice, "Bandwidth choice for nonparametric regression", 1984; F. R. Hampel, "The
    influence curve and its role in robust estimation", 1974.

    Args:
        curve: Finite values: [evaluation].

    Returns:
        Zero where there are fewer than `LEAST_EVALUATIONS`, or all are equal.

    Example:
        >>> evaluation_noise(np.array([0.50, 0.25, 0.25, 0.26, 0.25, 0.25, 0.25, 0.25, 0.25]))
        0.005
    """
    if len(curve) < LEAST_EVALUATIONS:
        return 0.0
    second = float(np.quantile(np.abs(np.diff(curve, n=2)), QUANTILE))
    if second > 0:
        return second / (NORMAL_QUANTILE * math.sqrt(6))
    steps = np.abs(np.diff(curve))
    if not (steps > 0).any():
        return 0.0
    return min(float(steps[steps > 0].min()) / 2, MOST_ROUNDING * float(np.ptp(curve)))


def gain_from_the_start(curve: Floats, most: float = MOST_OF_THE_REST) -> float:
    """Return what is gained from the first value of a curve to its best, smaller being better.

    Args:
        curve: Finite values: [evaluation].
        most: At most so many times the range of the others, where these vary beyond their noise.

    Example:
        >>> gain_from_the_start(np.array([0.9, 0.4, 0.2, 0.1]))
        0.8
        >>> gain_from_the_start(np.array([50000.0, 400.0, 200.0, 100.0, 60.0, 40.0, 35.0, 30.0]))
        1110.0
    """
    gained, rest = float(curve[0] - curve.min()), curve[1:]
    varies = len(rest) > 1 and np.ptp(rest) > REAL * evaluation_noise(curve)
    return min(gained, most * float(np.ptp(rest))) if varies else gained
