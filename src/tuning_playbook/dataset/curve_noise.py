"""The noise of curves of evenly spaced values, free of whatever trends they follow."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


ORDERS = (2, 3, 4)
"""Of the differences. Those of second order leave nothing of a line, those of fourth order nothing
of a cubic; a curve that is sampled coarsely needs the higher ones."""

LEAST_POINTS = ORDERS[-1] + 1
"""Of a curve that shows all of them. A shorter one shows the lower orders, from three values on."""

ROUNDING = 1e-9
"""What is left of a perfect curve, as a part of its values."""

SIMULATIONS = 2_000
LONGEST = 100
MOST_CURVES = 8
"""The estimate of longer curves, or of more of them, is as many times the noise as of these."""


def noise_of(*curves: Floats, part: float = 0.5) -> float:
    """Return the standard deviation of values about the smooth curves that they follow.

    The differences of second, third and fourth order are those of the noise alone where a curve is
    smooth on the scale of a few values. Each order gives an estimate, the lower median of their
    sizes over all curves, to which one jump in each curve or a few kinks mean nothing; the smallest
    of the three is the one that the trends have the least part in. It is scaled so that it is right
    in the median for independent normal noise (a simulation, for curves of these lengths).

    Noise that remembers its last value is smooth to that extent, and counts less.

    Source: T. Gasser, L. Sroka and C. Jennen-Steinmetz, "Residual variance and residual pattern in
    nonlinear regression", 1986; P. Hall, J. W. Kay and D. M. Titterington, "Asymptotically optimal
    difference-based estimation of variance in nonparametric regression", 1990.

    Args:
        curves: One or more, each of at least three values, all finite: [n] each.
        part: Of the differences, those of smallest size, that the estimate is the largest of: less
            than half of them where trends and jumps may touch more than the others.

    Returns:
        0 of a curve without noise, and where most values are equal to their neighbours.

    Example:
        >>> noise_of(np.linspace(0.1, 0.5, 9) ** 3)
        0.0
    """
    lengths = tuple(sorted(min(len(curve), LONGEST) for curve in curves)[-MOST_CURVES:])
    smallest = float(_smallest([curve[None] for curve in curves], part)[0])
    noise = smallest / _of_standard_noise(lengths, part)
    return noise if noise > ROUNDING * max(np.abs(curve).max() for curve in curves) else 0.0


def _smallest(curves: Sequence[Floats], part: float) -> Floats:
    """Return the smallest of the estimates, not scaled yet: [sample, n] each, to [sample]."""
    estimates = []
    shortest = min(curve.shape[1] for curve in curves)
    for order in (order for order in ORDERS if order < shortest):
        sizes = np.abs(np.concatenate([np.diff(curve, order) for curve in curves], axis=1))
        # One jump touches as many differences as its order; of the shortest curve half are left.
        place = max(0, int(part * sizes.shape[1]) - 1)
        estimates.append(np.sort(sizes)[:, place] / math.sqrt(math.comb(2 * order, order)))
    return np.asarray(np.min(estimates, axis=0))


@lru_cache(maxsize=64)
def _of_standard_noise(lengths: tuple[int, ...], part: float) -> float:
    random = np.random.default_rng(0)
    noise = [random.standard_normal((SIMULATIONS, length)) for length in lengths]
    return float(np.median(_smallest(noise, part)))
