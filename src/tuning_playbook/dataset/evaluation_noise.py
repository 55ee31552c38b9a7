"""How far the evaluations of one curve scatter, whatever its trend and its jumps."""

import numpy as np

from tuning_playbook.dataset.curve_noise import Floats, noise_of

MOST_OF_THE_REST = 3.0
"""A first evaluation may be far beyond all others, as a perplexity is of a model that knows
nothing; what is gained from there says little of what can be lost."""

REAL = 10.0
"""A range of this many standard deviations is no noise."""

LEAST_EVALUATIONS = 4
"""Two second differences; with fewer there is no scatter to see."""

PART = 0.25
"""Of a curve's differences. A jump makes some of them large, and the fall at the start some more:
on a short curve that is half of them."""

MOST_ROUNDING = 0.02
"""Of a curve's range: one that has two values only has large steps, and no noise."""


def evaluation_noise(curve: Floats) -> float:
    """Return the standard deviation of a curve's evaluations about its trend.

    See `noise_of`. Where a metric that counts examples makes it zero, it is half of the curve's
    smallest step, or 2 % of its range if that is less.

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
    noise = noise_of(curve, part=PART)
    if noise > 0:
        return noise
    steps = np.abs(np.diff(curve))
    if not (steps > 0).any():
        return 0.0
    return min(float(steps[steps > 0].min()) / 2, MOST_ROUNDING * float(np.ptp(curve)))


def gain_from_the_start(curve: Floats, most: float = MOST_OF_THE_REST) -> float:
    """Return what is gained from the first value of a curve to its best, smaller being better.

    Args:
        curve: Finite values: [evaluation].
        most: At most that many times the range of the others, where these vary beyond their noise.

    Example:
        >>> gain_from_the_start(np.array([0.9, 0.4, 0.2, 0.1]))
        0.8
        >>> gain_from_the_start(np.array([50000.0, 400.0, 200.0, 100.0, 60.0, 40.0, 35.0, 30.0]))
        1110.0
    """
    gained, rest = float(curve[0] - curve.min()), curve[1:]
    varies = len(rest) > 1 and np.ptp(rest) > REAL * evaluation_noise(curve)
    return min(gained, most * float(np.ptp(rest))) if varies else gained
