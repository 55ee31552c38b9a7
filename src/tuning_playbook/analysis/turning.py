"""Whether objectives turn before the edge of a range: whether its best value lies inside."""

import numpy as np
from scipy import special

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.analysis.resolution import OF_A_STEP, resolution
from tuning_playbook.dataset.curve_noise import LEAST_POINTS, noise_of

LEAST_NEIGHBOURS = 12
"""The noise is that of so many trials nearest to the edge, or of twice as many as lie before the
best one: farther away the objective may fall off a cliff."""

DEGREE = 4
"""Of the polynomial that a parabola is held against."""

LEAST_FITTED = 8
"""A parabola through fewer trials has its bottom anywhere."""

NARROWER = 0.75
"""The part of the trials that is tried next where a parabola does not describe them."""

ROUNDING = 1e-9
"""What rounding leaves of a perfect parabola, as a part of the losses."""

LACK_OF_FIT = 0.02
"""P-value of a better fit of fourth degree from which on a parabola does not describe them."""

LEAST_NOISES = 4.0
"""By this many standard deviations of the noise is an objective that turned clearly worse. The best
of eight equal ones is better than the median by one and a half."""


def turns_before(distances: Floats, loss: Floats) -> bool:
    """Return whether the trials nearer an edge than the best one are clearly worse than it.

    Then the best value lies inside the range, however near the edge. Those trials count by their
    outermost half, by its median; the noise is that of the losses about the smooth curve that they
    follow in order of distance (`noise_of`), so that in a search over several hyperparameters what
    the others do is noise too.

    Args:
        distances: Of the trials from the edge: [trial].
        loss: Smaller being better, finite: [trial].

    Example:
        >>> places = np.arange(12.0)
        >>> turns_before(places, (places - 3) ** 2), turns_before(places, places**2)
        (True, False)
    """
    loss = loss[np.argsort(distances, kind="stable")]
    best = int(np.argmin(loss))
    near = loss[: max(LEAST_NEIGHBOURS, 2 * best + 1)]
    if best == 0 or len(near) < LEAST_POINTS:
        return False
    outermost = float(np.median(loss[: (best + 1) // 2]))
    noise = max(noise_of(near), OF_A_STEP * resolution(near))
    return bool(outermost - float(loss[best]) > LEAST_NOISES * noise)


def bottom_before(distances: Floats, loss: Floats) -> bool:
    """Return whether a parabola through the trials has its bottom before an edge.

    It has if the bottom is nearer to the second trial from the edge than to the first one; where
    the first one is the best, if the second one lies beyond the bottom. The parabola is fitted to
    all trials, or to the widest neighbourhood of the edge that a parabola describes (an F test
    against a polynomial of fourth degree), of eight trials at least.

    Args:
        distances: Of the trials from the edge: [trial].
        loss: Smaller being better, finite: [trial].

    Example:
        >>> places = np.arange(12.0)
        >>> bottom_before(places, (places - 3) ** 2), bottom_before(places, places**2)
        (True, False)
    """
    order = np.argsort(distances, kind="stable")
    distances, loss = distances[order], loss[order]
    count = len(loss)
    while count >= LEAST_FITTED:
        parabola = _parabola(distances[:count], loss[:count])
        if parabola is not None:
            slope, curvature = parabola[1:]
            bottom = -slope / (2 * curvature) if curvature > 0 else -np.inf
            nearest, second = np.unique(distances)[:2]
            least = second if np.argmin(loss) == 0 else (nearest + second) / 2
            return bool(bottom * distances[count - 1] > least)
        count = min(count - 1, round(NARROWER * count))
    return False


def _parabola(distances: Floats, loss: Floats) -> Floats | None:
    """Return the coefficients of a parabola; None where it does not describe the losses: [3]."""
    places = np.unique(distances)
    if len(places) <= DEGREE + 1:
        return None
    powers = np.vander(distances / places[-1], DEGREE + 1, increasing=True)
    fitted = np.linalg.lstsq(powers[:, :3], loss)[0]
    left = float(((loss - powers[:, :3] @ fitted) ** 2).sum())
    least = float(((loss - powers @ np.linalg.lstsq(powers, loss)[0]) ** 2).sum())
    nothing = len(loss) * (ROUNDING * float(np.abs(loss).max())) ** 2
    if left > nothing:
        degrees = len(loss) - DEGREE - 1
        ratio = (left - least) / (DEGREE - 2) / max(least / degrees, nothing)
        if special.fdtrc(DEGREE - 2, degrees, ratio) <= LACK_OF_FIT:
            return None
    return np.asarray(fitted)
