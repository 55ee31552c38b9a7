"""The curve of a scientific hyperparameter that was sampled over a range, on arrays alone.

No arms compare its values, but the trials of a joint search together do: a surface is fitted to
their objectives, and at each value the other hyperparameters are set to what the surface says is
best for it. So the curve is an isolation plot without arms. Its band, and the interval of the best
value, are those of refits to trials drawn again (a bootstrap).

Sources: playbook, "Detecting whether a change is useful with isolation plots"; B. Efron and R. J.
Tibshirani, "An introduction to the bootstrap", 1993 (pairs, percentiles).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuning_playbook.analysis.ranking import Floats

PLACES = 61
"""Of the curve, evenly spaced over the range."""

REFITS = 400
"""The ends of an interval are then known to a tenth of its width."""

TRIALS_PER_TERM = 2.5
"""With fewer the surface follows the noise, and no interval of it can be believed."""

RIDGE = 1e-3
"""Of the squared length of the terms: it decides only what the trials do not."""

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

    The surface is a cubic in it, a bowl in each other hyperparameter that has an order, whose best
    place may move with it, and a level for each value of a choice.

    Args:
        values: Where the trials' values lie in its range, in [0, 1]: [trial].
        ranges: Where those of the other ordered hyperparameters lie: [trial, hyperparameter].
        choices: Of each other one, zeros and ones for its values: [trial, value] each.
        loss: Smaller being better: [trial].

    Returns:
        The curve; None where the trials are too few for its terms.
    """
    terms = _terms(values, ranges, choices)
    if len(loss) < TRIALS_PER_TERM * terms.shape[1]:
        return None
    random = np.random.default_rng(0)
    places = np.linspace(0.0, 1.0, PLACES)
    again = random.integers(len(loss), size=(REFITS, len(loss)))
    drawn = np.vstack([np.arange(len(loss)), again])
    weights = _fit(terms[drawn], loss[drawn])
    curves = _profile(weights, places, ranges.shape[1], choices)
    fitted, refits = curves[0], curves[1:]
    low, high = np.quantile(refits, TAILS, axis=0)
    best = int(np.argmin(fitted))
    bests = places[np.argmin(refits, axis=1)]
    best_low, best_high = np.quantile(bests, TAILS)
    ends = tuple(_worse(refits, fitted, best, end) for end in (0, PLACES - 1))
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


def _worse(refits: Floats, fitted: Floats, best: int, end: int) -> tuple[float, float, float]:
    """Return by how much an end of the range is worse than the best place, with an interval."""
    worse = refits[:, end] - refits[:, best]
    low, high = np.quantile(worse, (TAILS[0] / 2, 1 - TAILS[0] / 2))
    return float(fitted[end] - fitted[best]), float(low), float(high)


def _terms(values: Floats, ranges: Floats, choices: Sequence[Floats]) -> Floats:
    """Return the terms of the surface: [trial, term]."""
    x, others = 2 * values - 1, 2 * ranges - 1
    columns = [_cubic(x)]
    for other in others.T:
        columns.append(np.column_stack([other, _bowl(other), x * other]))
    columns += [chosen[:, 1:] for chosen in choices]
    return np.hstack(columns)


def _cubic(x: Floats) -> Floats:
    return np.column_stack([np.ones_like(x), x, _bowl(x), (5 * x**3 - 3 * x) / 2])


def _bowl(x: Floats) -> Floats:
    return np.asarray((3 * x**2 - 1) / 2)


def _fit(terms: Floats, loss: Floats) -> Floats:
    """Return the weights of the terms by ridge regression: [refit, term].

    Args:
        terms: [refit, trial, term].
        loss: [refit, trial].
    """
    across = terms.transpose(0, 2, 1)
    square = across @ terms
    count = square.shape[-1]
    penalty = np.trace(square, axis1=1, axis2=2)[:, None, None] * RIDGE / count * np.eye(count)
    penalty[:, 0, 0] = 0.0  # the level is not drawn towards zero
    return np.asarray(np.linalg.solve(square + penalty, across @ loss[:, :, None])[..., 0])


def _profile(weights: Floats, places: Floats, others: int, choices: Sequence[Floats]) -> Floats:
    """Return the surface at each place with the others at their best for it: [refit, place]."""
    x = 2 * places - 1
    curve = weights[:, :4] @ _cubic(x).T
    at = np.linspace(-1.0, 1.0, PLACES)
    start = 4
    for _ in range(others):
        slope, bowl, moving = weights[:, start : start + 3].T[:, :, None, None]
        of_other = slope * at + bowl * _bowl(at) + moving * np.outer(x, at)
        curve = curve + of_other.min(axis=-1)
        start += 3
    for chosen in choices:
        levels = weights[:, start : start + chosen.shape[1] - 1]
        curve = curve + np.minimum(0.0, levels.min(axis=1, initial=0.0))[:, None]
        start += chosen.shape[1] - 1
    return np.asarray(curve)
