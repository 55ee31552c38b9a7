"""Whether objectives turn before the edge of a range: whether its best value lies inside."""

import numpy as np

from tuning_playbook.analysis.curve_noise import LEAST_POINTS, noise_of
from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.analysis.resolution import OF_A_STEP, resolution

LEAST_NEIGHBOURS = 12
"""The noise is that of so many trials nearest to the edge, or of twice as many as lie before the
best one: farther away the objective may fall off a cliff."""

LEAST_NOISES = 4.0
"""By so many standard deviations of the noise is an objective that turned clearly worse. The best
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
