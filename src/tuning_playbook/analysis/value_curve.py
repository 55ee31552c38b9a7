"""The curve of a scientific hyperparameter that was sampled over a range, on arrays alone.

No arms compare its values, but the trials of a joint search together do: a Gaussian process is
fitted to their objectives, and at each value the other hyperparameters are set to what its mean
says is best for it. So the curve is an isolation plot without arms. Its band, and the interval of
the best value, are those of curves drawn from the process.

Source: playbook, "Detecting whether a change is useful with isolation plots"; C. E. Rasmussen and
C. K. I. Williams, "Gaussian processes for machine learning", 2006.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.study.needs import model_can_be_fitted

PLACES = 41
"""Of the curve, evenly spaced over the range."""

OTHERS = 64
"""Settings of the others that are tried at each place, beside those of the trials."""

DRAWS = 1_000
"""Of curves: the ends of an interval are then known to a tenth of its width."""

TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class ValueCurve:
    """How good each value is, the other hyperparameters being tuned for it.

    Attributes:
        places: Of the curve, in [0, 1], the scale that the values were sampled in: [place].
        loss: The curve, smaller being better: [place].
        low: Lower end of its pointwise 95 % band: [place].
        high: Upper end.
        best: The place of its least loss.
        best_low: Lower end of the 95 % interval of that place.
        best_high: Upper end.
        ends: By how much the low end of the range, and the high end, are worse than the best: each
            with the ends of an interval; the two hold together with 95 % confidence.
    """

    places: Floats
    loss: Floats
    low: Floats
    high: Floats
    best: float
    best_low: float
    best_high: float
    ends: tuple[tuple[float, float, float], tuple[float, float, float]]


def value_curve(
    values: Floats, ranges: Floats, choices: Sequence[Floats], loss: Floats
) -> ValueCurve | None:
    """Fit the curve of a hyperparameter.

    Args:
        values: Where the trials' values lie in its range, in [0, 1]: [trial].
        ranges: Where those of the other ordered hyperparameters lie: [trial, hyperparameter].
        choices: Of each other one, zeros and ones for its values: [trial, value] each.
        loss: Smaller being better: [trial].

    Returns:
        The curve; None where the trials are too few for the hyperparameters, or do not differ.
    """
    hyperparameters = 1 + ranges.shape[1] + len(choices)
    if not model_can_be_fitted(len(loss), hyperparameters) or not np.ptp(loss) > 0:
        return None
    argument = np.hstack([values[:, None], ranges, *choices])
    level, spread = float(loss.mean()), float(loss.std())
    scaled = (loss - level) / spread
    from tuning_playbook.analysis.sobol_indices import fit_process  # noqa: PLC0415 - slow to import

    covariance, widths, noise = fit_process(argument, scaled)
    strength = float(covariance[0, 0])
    inverse = np.linalg.inv(covariance + noise * np.eye(len(loss)))

    def kernel(one: Floats, other: Floats) -> Floats:
        apart = (one[:, None, :] - other[None]) / widths
        return np.asarray(strength * np.exp(-0.5 * (apart**2).sum(axis=-1)))

    places = np.linspace(0.0, 1.0, PLACES)
    settings = _settings(argument[:, 1:], ranges.shape[1], choices)
    asked = np.hstack([np.repeat(places, len(settings))[:, None], np.tile(settings, (PLACES, 1))])
    mean = kernel(asked, argument) @ (inverse @ scaled)
    tuned = mean.reshape(PLACES, -1).argmin(axis=1) + np.arange(PLACES) * len(settings)
    at, fitted = asked[tuned], mean[tuned]
    known = kernel(at, argument)
    sizes, directions = np.linalg.eigh(kernel(at, at) - known @ inverse @ known.T)
    random = np.random.default_rng(0).standard_normal((DRAWS, PLACES))
    drawn = fitted + random @ (directions * np.sqrt(np.maximum(sizes, 0.0))).T
    return _curve(places, level + spread * fitted, level + spread * drawn)


def _settings(others: Floats, ordered: int, choices: Sequence[Floats]) -> Floats:
    """Return settings of the other hyperparameters to try: those of the trials, and more."""
    random = np.random.default_rng(0)
    columns = [np.empty((OTHERS, 0))]
    if ordered:
        # Through `scipy`, which imports it when it is used.
        columns.append(scipy.stats.qmc.Halton(ordered, rng=random).random(OTHERS))
    columns += [
        np.eye(chosen.shape[1])[random.integers(chosen.shape[1], size=OTHERS)] for chosen in choices
    ]
    more = np.hstack(columns)
    return np.vstack([others, more]) if others.shape[1] else others[:1]


def _curve(places: Floats, fitted: Floats, drawn: Floats) -> ValueCurve:
    """Describe a curve by its mean and by draws of it: [place] and [draw, place]."""
    low, high = np.quantile(drawn, TAILS, axis=0)
    best = int(np.argmin(fitted))
    best_low, best_high = np.quantile(places[np.argmin(drawn, axis=1)], TAILS)
    ends = tuple(_worse(drawn, fitted, best, end) for end in (0, PLACES - 1))
    return ValueCurve(
        places=places,
        loss=fitted,
        low=np.minimum(low, fitted),
        high=np.maximum(high, fitted),
        best=float(places[best]),
        best_low=float(min(best_low, places[best])),
        best_high=float(max(best_high, places[best])),
        ends=(ends[0], ends[1]),
    )


def _worse(drawn: Floats, fitted: Floats, best: int, end: int) -> tuple[float, float, float]:
    """Return by how much an end of the range is worse than the best place, with an interval."""
    low, high = np.quantile(drawn[:, end] - drawn[:, best], (TAILS[0] / 2, 1 - TAILS[0] / 2))
    return float(fitted[end] - fitted[best]), float(low), float(high)
