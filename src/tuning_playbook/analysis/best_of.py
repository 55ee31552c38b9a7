"""The best of a number of trials: what another budget would have found, or would find.

Nothing here is drawn at random. The best of k trials drawn from n without replacement is the i-th
best of them with a known probability, so what the playbook's figure 3 simulates has its limit in
closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from tuning_playbook.analysis.metric_range import metric_range
from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    direction,
    losses,
    members,
    objective_losses,
)
from tuning_playbook.analysis.tuning_curve import band_ranks

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of a box plot: its whiskers, its box and its line."""

LEAST_TRIALS = 8
"""With fewer trials a quarter of them, whose best the extrapolation needs, is no search."""


@dataclass(frozen=True)
class Budget:
    """The objective of the best of some trials of an arm, drawn again and again.

    Attributes:
        trials: How many are drawn, without replacement.
        quantiles: Of the best one's objective, at `QUANTILES`, from the better to the worse; None
            where so often no trial drawn is feasible.
        mean: Of it; None where it ever happens that none is.
    """

    trials: int
    quantiles: tuple[float | None, ...]
    mean: float | None


@dataclass(frozen=True)
class TuningCurve:
    """The median objective of the best of k trials, were a search like this made again.

    Attributes:
        trials: Each k, in order: [budget].
        median: Of the best of k of this search's trials, drawn without replacement; None where it
            is infeasible: [budget].
        low: Lower end of a band that holds the whole curve with 95 % confidence: [budget].
        high: Upper end.
        low_open: Whether no trial bounds the lower end. It is then what the metric can be at the
            best, or None where that is not known or it is the worse end: [budget].
        high_open: The same of the upper end.
    """

    trials: tuple[int, ...]
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    low_open: tuple[bool, ...]
    high_open: tuple[bool, ...]


@dataclass(frozen=True)
class BestOf:
    """What an arm's budget buys.

    Attributes:
        arm: Its name.
        trials: How many it had, infeasible ones among them.
        feasible: How many of them are feasible.
        budgets: Powers of two, and all of the arm's trials.
        curve: What other searches would find with each budget up to all of the arm's trials.
        last_doubling: By how much the best of all trials is better than the expected best of half;
            None where half of the trials may be without one that reaches the target.
        next_doubling: By how much the best of twice as many is expected to be better still; None
            where there are too few trials, or a quarter of them may be without such a one.
    """

    arm: str
    trials: int
    feasible: int
    budgets: tuple[Budget, ...]
    curve: TuningCurve
    last_doubling: float | None
    next_doubling: float | None


def best_of(study: xr.Dataset) -> tuple[BestOf, ...]:
    """Tell for each arm what smaller budgets would have found, and what the double would gain.

    Smaller budgets are those of the playbook's figure 3: trials drawn from the arm's, but without
    replacement, which has the right expectation where drawing the same trial twice makes budgets
    look worse than they are. Infeasible trials are drawn too and are the worst. As the draws come
    near to all trials their best differs less and less from the best there is. What another search
    would find does differ, and is told by the band of the tuning curve (`tuning_curve`). Of trials
    that did not reach a target it is known only that they are worse than those that did: they
    count as infeasible ones do, and what a doubling gains is told only where the best of half the
    trials always reaches it. It holds
    for independent trials; quasi-random ones lie more evenly, and vary less.

    The gain of the next doubling is extrapolated from the last two: it is to the last gain as that
    is to the one before. That is exact where the chance of an objective within t of the best
    possible grows as a power of t, as it does where the optimum lies inside the search space, and
    nearly so for normal tails.

    Source: playbook, "Why use quasi-random search instead of more sophisticated black box
    optimization algorithms during the exploration phase of tuning?", figure 3.
    """
    found = []
    possible = metric_range(study)
    best = possible.low if direction(study) > 0 else -possible.high
    for arm in arm_names(study):
        loss = objective_losses(study)[members(study, arm)]
        loss = np.where(np.isfinite(loss), loss, np.inf)
        trained = np.isfinite(losses(study)[members(study, arm)])
        feasible = np.sort(loss[trained])
        found.append(
            BestOf(
                arm=arm,
                trials=len(loss),
                feasible=len(feasible),
                budgets=tuple(_budget(study, loss, size) for size in _sizes(len(loss))),
                curve=_curve(np.sort(loss), direction(study), best),
                last_doubling=_last_doubling(feasible),
                next_doubling=_next_doubling(feasible),
            )
        )
    return tuple(found)


def expected_best(losses: Floats, budget: int) -> float:
    """Return the mean of the smallest of `budget` values drawn from `losses` without replacement.

    It is exact: of n values in order, the i-th is the smallest of k drawn with probability
    C(n - i, k - 1) / C(n, k).

    Args:
        losses: Smaller being better: [trial].
        budget: How many are drawn; at most all of them.

    Example:
        >>> round(expected_best(np.array([1.0, 2.0, 3.0]), 2), 6)  # 2/3 of 1 and 1/3 of 2
        1.333333
    """
    weights = _draws(len(losses), budget)
    possible = weights > 0
    return float(weights[possible] @ np.sort(losses)[possible] / weights.sum())


def _sizes(trials: int) -> Sequence[int]:
    powers = [2**power for power in range(trials.bit_length()) if 2**power < trials]
    return [*powers, trials] if trials else []


def _draws(trials: int, drawn: int) -> Floats:
    """Return with which probability each trial is the best of some drawn without replacement.

    Returns:
        [trial], the best first.
    """
    after = np.arange(trials - 1, -1, -1)
    logs = _log_choose(after, drawn - 1) - _log_choose(np.array([trials], dtype=np.int64), drawn)
    return np.where(after >= drawn - 1, np.exp(logs), 0.0)


def _budget(study: xr.Dataset, loss: Floats, size: int) -> Budget:
    ordered = np.sort(loss)
    weights = _draws(len(ordered), size)
    sign = direction(study)
    drawn = weights > 0
    return Budget(
        trials=size,
        quantiles=tuple(number(sign * _quantile(ordered, weights, at)) for at in QUANTILES),
        mean=number(sign * float(weights[drawn] @ ordered[drawn])),
    )


def _quantile(ordered: Floats, weights: Floats, at: float) -> float:
    """Return the value that the smallest drawn stays at or below with probability `at`."""
    reached = np.cumsum(weights) >= at - 1e-9
    return float(ordered[np.argmax(reached)])


def _curve(ordered: Floats, sign: float, best: float) -> TuningCurve:
    """Return the tuning curve of an arm.

    Args:
        ordered: Its losses, infinite for an infeasible trial, the best first: [trial].
        sign: 1 where a smaller objective is better, -1 where a larger one is.
        best: The best loss that the metric can have; infinite where there is none.
    """
    if not len(ordered):
        return TuningCurve((), (), (), (), (), ())
    ranks = band_ranks(len(ordered))
    values = sign * np.concatenate([[best], ordered, [np.inf]])
    is_open = np.concatenate([[True], ~np.isfinite(ordered), [True]])
    ends = [(values[rank], is_open[rank]) for rank in (ranks.low, ranks.high)]
    (low, low_open), (high, high_open) = ends if sign > 0 else reversed(ends)
    medians = [
        number(sign * _quantile(ordered, _draws(len(ordered), int(budget)), 0.5))
        for budget in ranks.budgets
    ]
    return TuningCurve(
        trials=tuple(ranks.budgets.tolist()),
        median=tuple(medians),
        low=tuple(map(number, low)),
        high=tuple(map(number, high)),
        low_open=tuple(low_open.tolist()),
        high_open=tuple(high_open.tolist()),
    )


def _last_doubling(feasible: Floats) -> float | None:
    if len(feasible) < 2:
        return None
    return _difference(_expected(feasible, 2), number(feasible[0]))


def _next_doubling(feasible: Floats) -> float | None:
    if len(feasible) < LEAST_TRIALS:
        return None
    half, quarter = (_expected(feasible, part) for part in (2, 4))
    if half is None or quarter is None:
        return None
    last, before = half - float(feasible[0]), quarter - half
    # A doubling is not expected to gain more than the one before.
    return last * min(1.0, last / before) if before > 0 else 0.0


def _expected(feasible: Floats, part: int) -> float | None:
    """Return the expected best of a part of the trials; None where it may be infinite."""
    drawn = len(feasible) // part
    known = int(np.isfinite(feasible).sum())
    # So few trials may all be among those that did not reach the target.
    return expected_best(feasible, drawn) if drawn > len(feasible) - known else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _log_choose(count: NDArray[np.int64], chosen: int) -> Floats:
    """Return the logarithm of the binomial coefficient; meaningless where chosen > count."""
    rest = np.maximum(count - chosen, 0)
    logs = special.gammaln(count + 1) - special.gammaln(chosen + 1) - special.gammaln(rest + 1)
    return np.asarray(logs)
