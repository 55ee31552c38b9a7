"""Which hyperparameters matter, which interact, and which can be fixed in the next round."""

import itertools
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import Floats, Indices, arm_names, losses, ranked
from tuning_playbook.analysis.sampling_scale import sampling_scale, values_tried
from tuning_playbook.dataset.searched import Searched, read_searched
from tuning_playbook.study.thresholds import DEFAULTS, Importance

LEAST_PREDICTED = 0.2
"""Where less of the variance of trials left out is predicted the fitted function is mostly made
up, and so would be what is said of its hyperparameters."""

PREDICTED_BY_CHANCE = 3.0
"""Of noise a function with d length scales, chosen for n trials, predicts up to 3 (d + 1) / n of
the variance of trials left out, in 95 studies of a hundred (simulated, 20 to 64 trials)."""

LEAST_TRIALS = 10
"""Feasible trials below which no function of one hyperparameter is known, let alone of two."""

TRIALS_PER_HYPERPARAMETER = 5
"""And so many more are needed for each."""

MOST_TRIALS = 256
"""The cost of the fit grows with their cube; of more trials evenly spaced ones are taken."""

WORST = 3.0
"""A trial that is worse than the median by more than so many times what the best is better counts
as that bad: otherwise the few that hardly trained would make up all of the variance."""

LEFT_OUT = 0.25
"""Of the trials in each refit of the jackknife. So many must be left out for its error to hold for
a function that goes through nearly every point (Shao and Wu, 1989)."""

REFITS = 100
"""The error is then known to 7 %."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
"""A quadrature over [0, 1], exact for the widths that the kernel may have."""

NORMAL_95 = 1.96

DIGITS = 4
"""Of a share; the further ones would differ with the number of cores that the fit had."""


@dataclass(frozen=True)
class _Axis:
    """One hyperparameter in one arm, as columns of the fitted function's argument.

    Attributes:
        name: Of the hyperparameter.
        columns: Its values: [trial, column]. One of positions in [0, 1], or one for each choice.
        nodes: Where the function is averaged over it: [node, column].
        weights: Of the nodes: [node].
    """

    name: str
    columns: Floats
    nodes: Floats
    weights: Floats


def importance(study: xr.Dataset, thresholds: Importance = DEFAULTS.importance) -> Finding:
    """Part the variance of the objective among the hyperparameters of each arm and their pairs.

    A Gaussian process (squared exponential kernel with a length scale for each hyperparameter, and
    noise) is fitted to the objectives of an arm's feasible trials as a function of the positions in
    the sampling scale; a choice has a column for each of its values. Its mean is a sum of products
    of functions of one hyperparameter each, so its analysis of variance over the search space is
    exact but for one-dimensional quadrature. The *main* index of a hyperparameter is the share of
    the variance that it explains alone, the index of a pair what both explain beyond their main
    indices, and the *total* index a hyperparameter's share with all its interactions (Sobol 2001).
    Their standard errors come from a jackknife: refits without a quarter of the trials each, with
    the length scales held, so that the intervals leave out what is uncertain about those.

    A hyperparameter can be fixed next round where the upper 95 % bound of its total index is below
    0.1, and a pair is to be tuned together where the lower bound of its index is above 0.05. Both
    are said only of an arm in which the function predicts trials left out one by one: at least a
    fifth of their variance, and more than it would of noise. What is fixed is a caveat of the next
    round's conclusion.

    On Ishigami's function (main indices 0.31, 0.44, 0; one interaction, of the first and the third,
    0.24) with 64 trials of a Halton sequence the order of the main indices and the largest
    interaction are right for at least 95 of 100 seeds. Interactions that act in the corners of the
    space are underrated with so few trials, and total indices with them.

    Source: playbook, "Extracting insight from experimental results"; I. M. Sobol, "Global
    sensitivity indices for nonlinear mathematical models and their Monte Carlo estimates", 2001;
    J. Shao and C. F. J. Wu, "A general theory for jackknife variance estimation", 1989.
    """
    arms = [
        _arm(study, arm, thresholds)
        for arm in arm_names(study)
        if any(arm in item.arms for item in read_searched(study))
    ]
    fitted = [arm for arm in arms if arm["predicted"] is not None]
    told = [arm for arm in fitted if arm["told"]]
    hyperparameters = [row for arm in told or fitted for row in arm["hyperparameters"]]
    finding = partial(
        Finding,
        check="importance",
        question="Which hyperparameters matter, which interact, and which can be fixed next round?",
        numbers={
            "negligible": thresholds.negligible,
            "interaction": thresholds.interaction,
            "arms": [
                {key: arm[key] for key in ("arm", "feasible", "used", "predicted", "told")}
                for arm in arms
            ],
            "hyperparameters": [row for arm in fitted for row in arm["hyperparameters"]],
            "pairs": [row for arm in fitted for row in arm["pairs"]],
        },
        section="Extracting insight from experimental results",
        hyperparameters=concerned(study, hyperparameters),
        arms=arms_in(study, told or fitted),
    )
    if told:
        return finding(
            answer="ok",
            summary=" ".join(_sentence(arm) for arm in told),
            advice=" ".join(filter(None, (_advice(arm) for arm in told))),
        )
    if not arms:
        return finding(answer="ok", summary="Nothing was searched.")
    if fitted:
        return finding(
            answer="cannot tell",
            summary=(
                "In no arm do the hyperparameters predict the objective of trials left out: either "
                "they hardly matter within their ranges, or the trials are too few."
            ),
            advice="Look at the hyperparameter axis plots; more trials per arm would tell.",
        )
    return finding(
        answer="cannot tell",
        summary="No arm has the feasible trials that it takes to fit a function to them.",
        advice="More trials per arm would tell.",
    )


def _arm(study: xr.Dataset, arm: str, thresholds: Importance) -> dict[str, Any]:
    order = ranked(study, arm)
    used = np.sort(order)
    if len(used) > MOST_TRIALS:
        used = used[np.linspace(0, len(used) - 1, MOST_TRIALS).astype(int)]
    axes = list(_axes(study, arm, used))
    row: dict[str, Any] = {
        "arm": arm,
        "feasible": len(order),
        "used": len(used),
        "predicted": None,
        "told": False,
    }
    loss = losses(study)[used]
    enough = len(used) >= LEAST_TRIALS + TRIALS_PER_HYPERPARAMETER * (len(axes) - 1)
    if not axes or not enough or not np.ptp(loss) > 0:
        return row
    indices, predicted = _indices(axes, _without_the_worst(loss))
    by_chance = PREDICTED_BY_CHANCE * (len(axes) + 1) / len(used)
    told = predicted >= max(LEAST_PREDICTED, by_chance)
    hyperparameters: list[dict[str, Any]] = []
    for place, axis in enumerate(axes):
        main, total = indices[(place,)], indices[_total(place)]
        hyperparameters.append(
            {
                "arm": arm,
                "hyperparameter": axis.name,
                "main": main["index"],
                "main_low": main["low"],
                "main_high": main["high"],
                "total": total["index"],
                "total_low": total["low"],
                "total_high": total["high"],
                "can_be_fixed": told and total["high"] < thresholds.negligible,
            }
        )
    pairs: list[dict[str, Any]] = [
        {
            "arm": arm,
            "hyperparameters": [axes[one].name, axes[other].name],
            **indices[(one, other)],
            "tune_together": told and indices[(one, other)]["low"] > thresholds.interaction,
        }
        for one, other in itertools.combinations(range(len(axes)), 2)
    ]
    return row | {
        "predicted": number(predicted),
        "told": told,
        "hyperparameters": sorted(
            hyperparameters, key=lambda item: float(item["total"]), reverse=True
        ),
        "pairs": sorted(pairs, key=lambda item: float(item["index"]), reverse=True),
    }


def _axes(study: xr.Dataset, arm: str, trials: Indices) -> Iterable[_Axis]:
    """Yield the hyperparameters that varied in the trials of an arm."""
    for searched in read_searched(study):
        if arm not in searched.arms:
            continue
        scale = sampling_scale(study, searched)
        values = study[searched.variable].values[trials]
        if scale is not None:
            positions = scale.position(values.astype(float))[:, None]
            if len(positions) and np.isfinite(positions).all() and np.ptp(positions) > 0:
                yield _Axis(searched.name, positions, NODES[:, None], WEIGHTS)
        else:
            yield from _choice(study, searched, values)


def _choice(study: xr.Dataset, searched: Searched, values: Any) -> Iterable[_Axis]:
    texts = np.array([str(value).lower() for value in values])
    choices = [str(choice).lower() for choice in values_tried(study, searched)]
    choices = [choice for choice in choices if (texts == choice).any()]
    if len(choices) > 1 and np.isin(texts, choices).all():
        columns = (texts[:, None] == np.array(choices)).astype(float)
        weights = np.full(len(choices), 1 / len(choices))
        yield _Axis(searched.name, columns, np.eye(len(choices)), weights)


def _without_the_worst(loss: Floats) -> Floats:
    middle = float(np.median(loss))
    return np.minimum(loss, middle + WORST * (middle - loss.min())) if middle > loss.min() else loss


def _total(place: int) -> tuple[int, int]:
    """Return the key of a total index: no pair has a hyperparameter twice."""
    return (place, place)


def _indices(
    axes: Sequence[_Axis], loss: Floats
) -> tuple[dict[tuple[int, ...], dict[str, float]], float]:
    """Return main, pair and total indices with their intervals, and the share that is predicted.

    Args:
        axes: Of the function.
        loss: Of the trials: [trial].
    """
    argument = np.concatenate([axis.columns for axis in axes], axis=1)
    scaled = (loss - loss.mean()) / loss.std()
    kernel, widths, noise = _fit(argument, scaled)
    inverse = np.linalg.inv(kernel + noise * np.eye(len(loss)))
    residuals = inverse @ scaled / np.diag(inverse)
    predicted = 1 - float(residuals @ residuals) / float(scaled @ scaled)
    forms = _forms(axes, widths)
    estimates = _explained(forms, kernel, noise, scaled, np.arange(len(loss)))
    generator = np.random.default_rng(0)
    left = max(1, round(LEFT_OUT * len(loss)))
    refits = []
    for _ in range(REFITS):
        kept = np.sort(generator.permutation(len(loss))[left:])
        refits.append(_explained(forms, kernel, noise, scaled, kept))
    kept_per_left = (len(loss) - left) / left
    found = {}
    for key, estimate in estimates.items():
        values = np.array([refit[key] for refit in refits])
        error = math.sqrt(kept_per_left * float(values.var()))
        found[key] = {
            "index": round(estimate, DIGITS),
            "low": round(max(0.0, estimate - NORMAL_95 * error), DIGITS),
            "high": round(min(1.0, estimate + NORMAL_95 * error), DIGITS),
        }
    return found, round(predicted, DIGITS)


def _fit(argument: Floats, scaled: Floats) -> tuple[Floats, Floats, float]:
    """Return the covariance of the trials, the length scale of each column, and the noise."""
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


def _forms(axes: Sequence[_Axis], widths: Floats) -> Mapping[tuple[int, ...], Floats]:
    """Return quadratic forms in the weights of the trials, one for each set of hyperparameters.

    With the mean of the process at x being the sum over trials j of w_j times the product of
    k_i(x_i, x_ji), the variance of its average over all hyperparameters outside a set is w' F w
    less the square of its mean. F is a product over the hyperparameters: of the average of k_i k_i'
    inside the set, of the product of averages outside. Key () is the square of the mean.
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
        *itertools.combinations(places, 2),
        *(tuple(other for other in places if other != place) for place in places),
    }
    return {
        key: np.prod([(within if place in key else without)[place] for place in places], axis=0)
        for key in sets
    }


def _explained(
    forms: Mapping[tuple[int, ...], Floats],
    kernel: Floats,
    noise: float,
    scaled: Floats,
    kept: Indices,
) -> dict[tuple[int, ...], float]:
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
    found: dict[tuple[int, ...], float] = {}
    for place in places:
        others = tuple(other for other in places if other != place)
        found[(place,)] = min(1.0, max(0.0, shares[(place,)]))
        found[_total(place)] = min(1.0, max(0.0, shares[places] - shares[others]))
    for one, other in itertools.combinations(places, 2):
        alone = shares[(one,)] + shares[(other,)]
        found[(one, other)] = min(1.0, max(0.0, shares[(one, other)] - alone))
    return found


def _sentence(arm: Mapping[str, Any]) -> str:
    shares = ", ".join(
        f"{row['hyperparameter']} {row['total']:.0%} ({row['total_low']:.0%} to "
        f"{row['total_high']:.0%})"
        for row in arm["hyperparameters"]
    )
    sentence = f"In {arm['arm']} the variance of the objective is owed to {shares}"
    pairs = [row for row in arm["pairs"] if row["tune_together"]]
    if pairs:
        told = ", ".join(
            f"{' and '.join(row['hyperparameters'])} {row['index']:.0%}" for row in pairs
        )
        sentence += f"; of it to interactions: {told}"
    return sentence + "."


def _advice(arm: Mapping[str, Any]) -> str:
    fixable = [row["hyperparameter"] for row in arm["hyperparameters"] if row["can_be_fixed"]]
    together = [
        " and ".join(row["hyperparameters"]) for row in arm["pairs"] if row["tune_together"]
    ]
    sentences = []
    if fixable:
        sentences.append(
            f"In {arm['arm']} {', '.join(fixable)} can be fixed next round at the best trial's "
            "value, as a caveat."
        )
    if together:
        sentences.append(f"In {arm['arm']} tune together: {'; '.join(together)}.")
    return " ".join(sentences)
