"""Bayesian optimization: propose the next trials of an arm from the results of its earlier ones.

One Gaussian process models the objective on the sampling scale, and another models which
configurations are feasible. A proposal maximises the expected improvement times the probability of
feasibility, so that divergent trials teach the search where not to look. Objectives depend on a
trial's seed, so the lowest one seen may be luck. A proposal must therefore improve on the lowest
objective without noise, averaged over what the model considers possible.

Sources: D. R. Jones, M. Schonlau, W. J. Welch, "Efficient global optimization of expensive
black-box functions", 1998; J. R. Gardner and others, "Bayesian optimization with inequality
constraints", 2014; improvement on what is only known with noise: B. Letham and others,
"Constrained Bayesian optimization with noisy experiments", 2019; the logarithm of the improvement:
S. Ament and others, "Unexpected improvements to expected improvement for Bayesian optimization",
2023; rounding inside the kernel: E. C. Garrido-Merchan, D. Hernandez-Lobato, "Dealing with
categorical and integer-valued variables in Bayesian optimization with Gaussian processes", 2020;
several proposals at once, over what those before may give: J. Snoek, H. Larochelle, R. P. Adams,
"Practical Bayesian optimization of machine learning algorithms", 2012.

Jobs import this module; the Snakefile never does, because it needs NumPy, SciPy and scikit-learn.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import erfcx, log_ndtr, logsumexp, ndtri
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from tuning_playbook.declarations import Value, same
from tuning_playbook.study.distributions import Distribution

Floats = NDArray[np.float64]
Configuration = Mapping[str, Value]
Exists = Callable[[str, Configuration], bool]

LENGTH_SCALE = 0.5
"""Centre of the length scale's prior, in units of a range."""

NOISE = 1e-2
"""Centre of the prior of the noise variance, relative to losses that are scaled to variance 1."""

JITTER = 1e-6
"""Added to a kernel matrix's diagonal, as a share of the objective's variance: the matrix would be
singular at equal features."""

DRAWS = 64
"""Number of joint draws of the objective at all points; half of them mirror the others."""

AVERAGE = 0.0
"""The value of an infeasible trial in the objective's model: the mean of the scaled losses.

Without it, the expected improvement there would stay as high as in untried places, and would
outweigh the classifier, which is certain only close to its data. The worst loss as the value would
push the search away from good configurations near the edge.
"""

SPREAD = 1024
"""Candidates drawn uniformly from the whole space."""

NEAR = 256
"""Candidates drawn around the best ones, for each of the `RADII`."""

RADII = (0.2, 0.05, 0.0125)
"""Standard deviations of the candidates around the best, in units of a range."""

BELOW_ONE = 1.0 - 2.0**-53

STEMS = 8
"""Number of best candidates around which others are drawn."""


def propose(
    space: Mapping[str, Distribution],
    tried: Sequence[Configuration],
    losses: Sequence[float],
    *,
    count: int,
    seed: int,
    exists: Exists | None = None,
) -> list[dict[str, Value]]:
    """Return the configurations to try next: all different, and none already tried.

    The same arguments give the same proposals with the same libraries on the same kind of machine.

    Args:
        space: The search space: each hyperparameter's distribution, by name.
        tried: The configurations with results, by the names of `space`; a hyperparameter that does
            not exist in a configuration is missing from it.
        losses: The result of each, smaller is better; NaN if it is infeasible.
        count: The number of proposals.
        seed: The seed for drawing candidates.
        exists: Returns whether a hyperparameter exists, given the values of those before it in
            `space`; without it, all exist.

    Returns:
        `count` configurations, the most promising first; fewer if the space has no more.
    """
    random = np.random.default_rng(seed)
    taken = {_identity(configuration) for configuration in tried}
    proposals: list[dict[str, Value]] = []
    with warnings.catch_warnings():
        # A length scale at its bound means that a hyperparameter matters little: not a failure.
        warnings.simplefilter("ignore", ConvergenceWarning)
        belief = _Belief(_features(space, tried), np.asarray(losses, float), seed)
        for _ in range(count):
            chosen = _best_candidate(space, belief, taken, random, exists)
            if chosen is None:
                break
            proposals.append(chosen)
            taken.add(_identity(chosen))
            belief.await_results(_features(space, [chosen]))
    return proposals


class _Belief:
    """The model of a space: two Gaussian processes, given the tried points.

    Args:
        points: [tried, features].
        losses: [tried]; NaN where infeasible.
        seed: The seed of the fits' restarts and of the draws.
    """

    def __init__(self, points: Floats, losses: Floats, seed: int) -> None:
        feasible = np.isfinite(losses)
        self._points = points
        self._goals = feasible  # the points that a proposal must improve on
        self._objective: _Objective | None = None
        self._classifier = None
        if feasible.any():
            evened = np.full(len(losses), AVERAGE)
            evened[feasible] = _even_out(losses[feasible])
            self._objective = _Objective(points, evened, seed)
        if feasible.any() and not feasible.all():
            kernel = ConstantKernel(4.0, (1.0, 100.0)) * Matern(0.3, (0.05, 2.0), nu=2.5)
            self._classifier = GaussianProcessClassifier(kernel, random_state=seed)
            self._classifier.fit(points, feasible)

    def value(self, points: Floats) -> Floats:
        """Return the promise of each point on a logarithmic scale: [points]."""
        if self._objective is None:  # only infeasible regions are known
            gaps = points[:, None, :] - self._points[None, :, :]
            return np.asarray(np.square(gaps).sum(axis=2).min(axis=1))
        value = self._objective.log_improvement(points, self._goals)
        if self._classifier is not None:
            chance = self._classifier.predict_proba(points)[:, 1]
            value += np.log(np.maximum(chance, 1e-12))
        return value

    def await_results(self, points: Floats) -> None:
        """Treat points as proposed: later ones must improve on their possible results."""
        self._points = np.vstack([self._points, points])
        self._goals = np.append(self._goals, np.ones(len(points), bool))
        if self._objective is not None:
            self._objective.draw(self._points)


class _Objective:
    """The objective without noise, as a Gaussian process and as draws from it.

    Args:
        points: [tried, features].
        losses: [tried], scaled.
        seed: The seed of the fit's restarts and of the draws.
    """

    def __init__(self, points: Floats, losses: Floats, seed: int) -> None:
        kernel = _fit(points, losses, seed).kernel_
        self._tried = points
        self._losses = losses
        self._kernel = kernel.k1
        self._variance = float(kernel.k1.k1.constant_value)
        self._noise = float(kernel.k2.noise_level)
        self._random = np.random.default_rng(seed)
        self._normals = np.empty((DRAWS, 0))
        self.draw(points)

    def draw(self, points: Floats) -> None:
        """Draw the objective at points, given the results of those tried.

        Args:
            points: [points, features], the tried ones first.
        """
        tried = len(self._losses)
        prior = self._kernel(points)
        seen = prior[:tried, :tried] + (self._noise + self._jitter) * np.eye(tried)
        weights = np.linalg.solve(seen, prior[:tried])
        spread, axes = np.linalg.eigh(prior - prior[:tried].T @ weights)
        half = self._random.standard_normal((DRAWS // 2, len(points) - self._normals.shape[1]))
        self._normals = np.hstack([self._normals, np.vstack([half, -half])])
        # The symmetric root does not depend on the sign and order of the axes.
        root = axes * np.sqrt(np.maximum(spread, 0.0)) @ axes.T
        self._points = points
        self._draws = weights.T @ self._losses + self._normals @ root
        self._factor = cholesky(prior + self._jitter * np.eye(len(points)), lower=True)
        self._weights = cho_solve((self._factor, True), self._draws.T)

    def log_improvement(self, points: Floats, goals: NDArray[np.bool_]) -> Floats:
        """Return the logarithm of the expected improvement: [points].

        In each draw the lowest objective and the expectations elsewhere are known. The result is
        the mean improvement over the draws.

        Args:
            points: [points, features].
            goals: [drawn points]; the points to improve on.
        """
        prior = self._kernel(points, self._points)
        mean = prior @ self._weights
        known = np.square(solve_triangular(self._factor, prior.T, lower=True)).sum(axis=0)
        deviation = np.sqrt(np.maximum(self._variance - known, 1e-10))[:, None]
        goal = self._draws[:, goals].min(axis=1)
        improvement = _log_improvement((goal - mean) / deviation) + np.log(deviation)
        return np.asarray(logsumexp(improvement, axis=1) - np.log(DRAWS))

    @property
    def _jitter(self) -> float:
        return JITTER * self._variance


def _fit(points: Floats, losses: Floats, seed: int) -> GaussianProcessRegressor:
    """Return the Gaussian process with the highest posterior probability for the kernel.

    The likelihood alone is overconfident after ten trials in six dimensions, so the parameters have
    log-normal priors.
    """
    dimensions = points.shape[1]
    scales = Matern(np.full(dimensions, LENGTH_SCALE), (0.05, 10.0), nu=2.5)
    kernel = ConstantKernel(1.0, (0.1, 20.0)) * scales + WhiteKernel(NOISE, (1e-5, 1.0))
    centre = np.log([1.0, *[LENGTH_SCALE] * dimensions, NOISE])
    width = np.array([1.0, *[0.7] * dimensions, 1.5])

    def maximise(likelihood: Any, start: Floats, bounds: Floats) -> tuple[Floats, float]:
        def negative_posterior(logarithms: Floats) -> tuple[float, Floats]:
            value, slope = likelihood(logarithms)
            away = (logarithms - centre) / width
            return value + np.square(away).sum() / 2, slope + away / width

        found = minimize(negative_posterior, start, jac=True, bounds=bounds, method="L-BFGS-B")
        return np.asarray(found.x), float(found.fun)

    process = GaussianProcessRegressor(
        kernel, optimizer=maximise, n_restarts_optimizer=1, random_state=seed
    )
    return process.fit(points, losses)


def _even_out(losses: Floats) -> Floats:
    """Return losses with mean 0 and variance 1, in which the worse half keeps only its order.

    Otherwise a few very bad trials would hide the differences between good ones. Losses better than
    the median keep their distances; worse ones get those of a normal distribution. Source: X. Song
    and others, "The Vizier Gaussian process bandit algorithm", 2024 (arXiv:2408.11527).
    """
    middle = np.median(losses)
    better = losses <= middle
    deviation = np.sqrt(np.square(losses[better] - middle).mean())
    if deviation == 0:
        deviation = np.ptp(losses) or 1.0
    quantiles = ndtri((rankdata(losses) - 0.5) / len(losses))
    evened = np.where(better, (losses - middle) / deviation, np.maximum(quantiles, 0.0))
    return np.asarray((evened - evened.mean()) / (evened.std() or 1.0))


def _log_improvement(z: Floats) -> Floats:
    """Return log(z Phi(z) + phi(z)), also where its argument is far too small for a float.

    Args:
        z: How far the mean is below the goal, in standard deviations.
    """
    z = np.maximum(z, -1e5)
    tail = np.minimum(z, -1.0)
    log_density = -np.square(tail) / 2 - np.log(2 * np.pi) / 2
    below = log_density + np.log1p(tail * np.sqrt(np.pi / 2) * erfcx(-tail / np.sqrt(2)))
    body = np.maximum(z, -1.0)
    density = np.exp(-np.square(body) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(np.where(z < -1.0, below, np.log(body * np.exp(log_ndtr(body)) + density)))


def _best_candidate(
    space: Mapping[str, Distribution],
    belief: _Belief,
    taken: set[tuple[tuple[str, Value], ...]],
    random: np.random.Generator,
    exists: Exists | None,
) -> dict[str, Value] | None:
    """Return the best configuration that is not taken; None if all are taken."""
    best: dict[str, Value] | None = None
    best_value = -np.inf
    pool = random.random((SPREAD, len(space)))
    for radius in (*RADII, None):
        candidates = [_configuration(space, point, exists) for point in pool]
        values = belief.value(_features(space, candidates))
        order = np.argsort(-values, kind="stable")
        for place in order:
            if _identity(candidates[place]) not in taken:
                if values[place] > best_value:
                    best, best_value = candidates[place], values[place]
                break
        if radius is not None:
            around = np.repeat(pool[order[:STEMS]], NEAR // STEMS, axis=0)
            moved = around + radius * random.normal(size=around.shape)
            # Reflected at the walls: if cut off there, half of the candidates would lie on them.
            pool = np.clip(1.0 - np.abs(1.0 - np.abs(moved)), 0.0, BELOW_ONE)
    return best


def _configuration(
    space: Mapping[str, Distribution], point: Floats, exists: Exists | None
) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for (name, distribution), u in zip(space.items(), point, strict=True):
        if exists is None or exists(name, found):
            found[name] = distribution.value(float(u))
    return found


def _identity(configuration: Configuration) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted(configuration.items()))


def _coordinate(distribution: Distribution, value: Value | None) -> float:
    return 0.5 if value is None else distribution.position(value)


def _features(space: Mapping[str, Distribution], configurations: Sequence[Configuration]) -> Floats:
    """Return the features of configurations for the processes: [configurations, features].

    A number's feature is its position in its range, on its sampling scale. It is the value that is
    trained, with integers rounded, so that the model is flat where trials are the same. Every value
    of a choice is a separate feature, and any two of them have distance 1.
    """
    columns: list[list[float]] = []
    for name, distribution in space.items():
        if distribution.kind != "choice":
            columns.append([_coordinate(distribution, item.get(name)) for item in configurations])
            continue
        for choice in distribution.choices:
            columns.append(
                [float(same(item.get(name), choice)) / 2**0.5 for item in configurations]
            )
    return np.array(columns, float).reshape(len(columns), len(configurations)).T
