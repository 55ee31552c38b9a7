"""Sobol indices of a function that is known at some trials only, on arrays alone.

A Gaussian process (squared exponential kernel with a length scale for each column, and noise) is
fitted to the values. Its mean is a sum of products of functions of one axis each, so its analysis
of variance over the space is exact but for one-dimensional quadrature.

Source: I. M. Sobol, "Global sensitivity indices for nonlinear mathematical models and their Monte
Carlo estimates", 2001; J. Shao and C. F. J. Wu, "A general theory for jackknife variance
estimation", 1989.
"""

import itertools
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from tuning_playbook.analysis.axis import Axis
from tuning_playbook.analysis.ranking import Floats, Indices

LEFT_OUT = 0.25
"""Of the trials in each refit of the jackknife. As many must be left out for its error to hold for
a function that goes through nearly every point (Shao and Wu, 1989)."""

REFITS = 100
"""The error is then known to 7 %."""

NORMAL_95 = 1.96

DIGITS = 4
"""Of a share; the further ones would differ with the number of cores that the fit had."""

Key = tuple[int, ...]
"""Of an index: the places of the axes it belongs to; a total index has its axis twice."""


@dataclass(frozen=True)
class Share:
    """A share of the variance with its 95 % interval."""

    index: float
    low: float
    high: float


@dataclass(frozen=True)
class SobolIndices:
    """Which axes the variance of a function is due to.

    Attributes:
        main: What each axis explains alone, in the order of the axes.
        total: What it explains with all its interactions, likewise.
        pairs: What two axes explain beyond their main indices, by their places.
        predicted: The share of the variance that is predicted of trials left out one by one.
    """

    main: tuple[Share, ...]
    total: tuple[Share, ...]
    pairs: Mapping[tuple[int, int], Share]
    predicted: float


def sobol_indices(axes: Sequence[Axis], values: Floats) -> SobolIndices:
    """Part the variance of a function among its arguments and their pairs.

    The standard errors come from a jackknife: refits without a quarter of the trials each, with the
    length scales held, so that the intervals leave out what is uncertain about those.

    Args:
        axes: The arguments, one at least.
        values: Of the function at the trials, not all the same: [trial].
    """
    argument = np.concatenate([axis.columns for axis in axes], axis=1)
    scaled = (values - values.mean()) / values.std()
    kernel, widths, noise = fit_process(argument, scaled)
    forms = _forms(axes, widths)
    estimates = _explained(forms, kernel, noise, scaled, np.arange(len(values)))
    errors = _jackknife_errors(forms, kernel, noise, scaled)
    shares = {key: _share(estimate, errors[key]) for key, estimate in estimates.items()}
    places = range(len(axes))
    return SobolIndices(
        main=tuple(shares[(place,)] for place in places),
        total=tuple(shares[_total(place)] for place in places),
        pairs={(one, other): shares[(one, other)] for one, other in _pairs(places)},
        predicted=_predicted(kernel, noise, scaled),
    )


def _total(place: int) -> tuple[int, int]:
    """Return the key of a total index: no pair has an axis twice."""
    return (place, place)


def _pairs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    return itertools.combinations(places, 2)


def _share(estimate: float, error: float) -> Share:
    return Share(
        index=round(estimate, DIGITS),
        low=round(max(0.0, estimate - NORMAL_95 * error), DIGITS),
        high=round(min(1.0, estimate + NORMAL_95 * error), DIGITS),
    )


def fit_process(argument: Floats, scaled: Floats) -> tuple[Floats, Floats, float]:
    """Fit a Gaussian process with a squared exponential kernel and noise.

    Args:
        argument: Of the function: [trial, column].
        scaled: Its values, of mean 0 and deviation 1: [trial].

    Returns:
        The covariance of the trials, [trial, trial], the length scale of each column, the noise.
    """
    columns = argument.shape[1]
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * RBF(np.full(columns, 0.2), (0.05, 20.0))
    process = GaussianProcessRegressor(kernel + WhiteKernel(0.01, (1e-4, 1.0)))
    with warnings.catch_warnings():
        # A length scale at its bound is a hyperparameter without an effect, which is a finding.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(argument, scaled)
    fitted = process.kernel_
    widths = np.broadcast_to(fitted.k1.k2.length_scale, (columns,))
    return np.asarray(fitted.k1(argument)), np.asarray(widths), float(fitted.k2.noise_level)


def _predicted(kernel: Floats, noise: float, scaled: Floats) -> float:
    """Return the share of the variance that is predicted of trials left out one by one."""
    inverse = np.linalg.inv(kernel + noise * np.eye(len(scaled)))
    residuals = inverse @ scaled / np.diag(inverse)
    return round(1 - float(residuals @ residuals) / float(scaled @ scaled), DIGITS)


def _forms(axes: Sequence[Axis], widths: Floats) -> Mapping[Key, Floats]:
    """Return quadratic forms in the weights of the trials, one for each set of axes.

    With the mean of the process at x being the sum over trials j of w_j times the product of
    k_i(x_i, x_ji), the variance of its average over all axes outside a set is w' F w less the
    square of its mean. F is a product over the axes: of the average of k_i k_i' inside the set, of
    the product of averages outside. Key () is the square of the mean.
    """
    within, without = [], []
    starts = np.cumsum([0, *(axis.columns.shape[1] for axis in axes)])
    for axis, (start, end) in zip(axes, itertools.pairwise(starts), strict=True):
        apart = (axis.nodes[:, None, :] - axis.columns[None]) / widths[start:end]
        values = np.exp(-0.5 * (apart**2).sum(axis=-1))  # [node, trial]
        within.append((values * axis.weights[:, None]).T @ values)
        mean = axis.weights @ values
        without.append(np.outer(mean, mean))
    places = range(len(axes))
    sets = {
        (),
        tuple(places),
        *((place,) for place in places),
        *_pairs(places),
        *(tuple(other for other in places if other != place) for place in places),
    }
    return {
        key: np.prod([(within if place in key else without)[place] for place in places], axis=0)
        for key in sets
    }


def _explained(
    forms: Mapping[Key, Floats], kernel: Floats, noise: float, scaled: Floats, kept: Indices
) -> dict[Key, float]:
    """Return main, pair and total indices of the function that some of the trials give."""
    square = np.ix_(kept, kept)
    covariance = kernel[square] + noise * np.eye(len(kept))
    weights = np.linalg.solve(covariance, scaled[kept])
    mean = float(weights @ forms[()][square] @ weights)
    closed = {key: float(weights @ form[square] @ weights) - mean for key, form in forms.items()}
    places = max(forms, key=len)
    # A function without any variance has nothing to part.
    whole = closed[places] if closed[places] > 0 else math.inf
    shares = {key: value / whole for key, value in closed.items()}
    found: dict[Key, float] = {}
    for place in places:
        others = tuple(other for other in places if other != place)
        found[(place,)] = min(1.0, max(0.0, shares[(place,)]))
        found[_total(place)] = min(1.0, max(0.0, shares[places] - shares[others]))
    for one, other in _pairs(places):
        alone = shares[(one,)] + shares[(other,)]
        found[(one, other)] = min(1.0, max(0.0, shares[(one, other)] - alone))
    return found


def _jackknife_errors(
    forms: Mapping[Key, Floats], kernel: Floats, noise: float, scaled: Floats
) -> dict[Key, float]:
    """Return the standard error of each index, from refits without some of the trials."""
    count = len(scaled)
    left = max(1, round(LEFT_OUT * count))
    generator = np.random.default_rng(0)
    refits = []
    for _ in range(REFITS):
        kept = np.sort(generator.permutation(count)[left:])
        refits.append(_explained(forms, kernel, noise, scaled, kept))
    kept_per_left = (count - left) / left
    return {
        key: math.sqrt(kept_per_left * float(np.array([refit[key] for refit in refits]).var()))
        for key in refits[0]
    }
