"""How much of its last value an evaluation remembers: noise of curves that is not independent."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import Floats, collapsed, ranked

MEMORIES = (*np.arange(0.0, 0.95, 0.05).tolist(), 0.95, 0.97, 0.99)
"""The memories that are compared. What alternates is no noise of training."""

COEFFICIENTS = 3
"""Of the parabola that is taken off; with one value more than that a curve says a little."""

MOST_TRIALS = 16
"""The best trials of a study; those that hardly trained have other noise."""

ROUNDING = 1e-9
"""What rounding leaves of a perfect parabola, as a part of the values."""


def memory_in(study: xr.Dataset, curves: Floats) -> float:
    """Return the memory of the curves of a study's best 16 trials that did not collapse.

    Args:
        study: The study.
        curves: NaN where they are not known: [trial, evaluation].
    """
    lost = collapsed(study)
    best = [trial for trial in ranked(study) if not lost[trial]][:MOST_TRIALS]
    known = [curve[np.isfinite(curve)] for curve in curves[best]]
    # The first half, in which training makes most of its gain, is no noise about a parabola.
    return memory_of([curve[len(curve) // 2 :] for curve in known])


def memory_of(curves: Sequence[Floats]) -> float:
    """Return the correlation of an evaluation's noise with the next one's, the same in all curves.

    The noise is taken for an autoregressive process of first order about a parabola. The memory is
    the one of largest restricted likelihood, in which each curve has a variance of its own. That
    likelihood leaves out what the parabolas took, so that short curves do not look forgetful.

    Source: W. K. Cheang and G. C. Reinsel, "Bias reduction of autoregressive estimates in time
    series regression model through restricted maximum likelihood", 2000.

    Args:
        curves: Of evenly spaced values, all finite: [n] each. Those of too few values, and those
            without noise, say nothing.

    Returns:
        One of `MEMORIES`; 0 where no curve says anything.
    """
    likelihood = np.zeros(len(MEMORIES))
    for length in sorted({len(curve) for curve in curves if len(curve) > COEFFICIENTS + 1}):
        likelihood += _likelihood(np.array([curve for curve in curves if len(curve) == length]))
    return float(MEMORIES[int(np.argmax(likelihood))])


def _likelihood(curves: Floats) -> Floats:
    """Return the logarithm of the restricted likelihood of each memory: [curve, n] to [memory]."""
    length = curves.shape[1]
    x = np.linspace(-1, 1, length)
    parabola = np.stack([np.ones(length), x, x**2])
    nothing = length * (ROUNDING * np.abs(curves).max(axis=1)) ** 2
    noisy = _left(curves, parabola) > nothing
    found = []
    for memory in MEMORIES:
        basis = innovations(parabola, memory)
        left = _left(innovations(curves[noisy], memory), basis)
        constant = np.linalg.slogdet(basis @ basis.T)[1] - math.log(1 - memory**2)
        found.append(-(constant + (length - COEFFICIENTS) * np.log(left)).sum() / 2)
    return np.array(found)


def _left(curves: Floats, basis: Floats) -> Floats:
    """Return the sum of squares that a basis leaves of each curve: [curve, n], [k, n], [curve]."""
    orthonormal = np.linalg.qr(basis.T)[0]
    left = curves - (curves @ orthonormal) @ orthonormal.T
    return np.asarray((left**2).sum(axis=1))


def innovations(values: Floats, memory: float, first: float = 1.0) -> Floats:
    """Return what is new in each value, of equal variance if the noise has this memory: [..., n].

    Source: S. J. Prais and C. B. Winsten, "Trend estimators and serial correlation", 1954.

    Args:
        values: [..., n]
        memory: Less than 1.
        first: What the first value counts, whose own past is not known.

    Example:
        >>> innovations(np.array([1.0, 1.0, 3.0]), memory=0.6).round(1).tolist()
        [0.8, 0.4, 2.4]
    """
    new = np.empty_like(values)
    new[..., 0] = first * math.sqrt(1 - memory**2) * values[..., 0]
    new[..., 1:] = values[..., 1:] - memory * values[..., :-1]
    return new
