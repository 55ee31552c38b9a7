"""The best of so many trials: what another budget would have found, or would find.

Nothing here is drawn at random. The best of k trials drawn from n is the i-th best of them with a
known probability, so the bootstrap of the playbook's figure 3 has its limit in closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import Floats, arm_names, direction, losses, members

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of a box plot: its whiskers, its box and its line."""

LEAST_TRIALS = 8
"""With fewer trials a quarter of them, whose best the extrapolation needs, is no search."""


@dataclass(frozen=True)
class Budget:
    """The objective of the best of some trials of an arm, drawn again and again.

    Attributes:
        trials: How many are drawn, with replacement.
        quantiles: Of the best one's objective, at `QUANTILES`, from the better to the worse; None
            where so often no trial drawn is feasible.
        mean: Of it; None where it ever happens that none is.
    """

    trials: int
    quantiles: tuple[float | None, ...]
    mean: float | None


@dataclass(frozen=True)
class BestOf:
    """What an arm's budget buys.

    Attributes:
        arm: Its name.
        trials: How many it had, infeasible ones among them.
        feasible: How many of them are feasible.
        budgets: Powers of two, and all of the arm's trials.
        last_doubling: By how much the best of all trials is better than the expected best of half.
        next_doubling: By how much the best of twice as many is expected to be better still; None
            where there are too few trials.
    """

    arm: str
    trials: int
    feasible: int
    budgets: tuple[Budget, ...]
    last_doubling: float | None
    next_doubling: float | None


def best_of(study: xr.Dataset) -> tuple[BestOf, ...]:
    """Tell for each arm what smaller budgets would have found, and what the double would gain.

    Smaller budgets are simulated as in the playbook's figure 3, by drawing from the arm's trials
    with replacement; infeasible ones are drawn too and are the worst. The gain of the next doubling
    is extrapolated from the last two, each from trials drawn without replacement: it is to the last
    gain as that is to the one before. That is exact where the chance of an objective within t of
    the best possible grows as a power of t, as it does where the optimum lies inside the search
    space, and nearly so for normal tails.

    Source: playbook, "Why use quasi-random search instead of more sophisticated black box
    optimization algorithms during the exploration phase of tuning?", figure 3.
    """
    found = []
    for arm in arm_names(study):
        loss = losses(study)[members(study, arm)]
        feasible = np.sort(loss[np.isfinite(loss)])
        found.append(
            BestOf(
                arm=arm,
                trials=len(loss),
                feasible=len(feasible),
                budgets=tuple(_budget(study, loss, size) for size in _sizes(len(loss))),
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
    ordered = np.sort(losses)
    count = len(ordered)
    after = np.arange(count - 1, -1, -1)
    drawn = _log_choose(after, budget - 1) - _log_choose(np.array([count], dtype=np.int64), budget)
    weights = np.where(after >= budget - 1, np.exp(drawn), 0.0)
    return float(weights @ ordered / weights.sum())


def _sizes(trials: int) -> Sequence[int]:
    powers = [2**power for power in range(trials.bit_length()) if 2**power < trials]
    return [*powers, trials] if trials else []


def _chances(trials: int, drawn: int) -> Floats:
    """Return with which probability each trial is the best of some drawn with replacement.

    Returns:
        [trial], the best first.
    """
    beyond = (np.arange(trials, -1, -1) / max(1, trials)) ** drawn
    return np.asarray(-np.diff(beyond))


def _budget(study: xr.Dataset, loss: Floats, size: int) -> Budget:
    ordered = np.sort(loss)
    weights = _chances(len(ordered), size)
    sign = direction(study)
    quantiles = [sign * _quantile(ordered, weights, at) for at in QUANTILES]
    return Budget(
        trials=size,
        quantiles=tuple(number(value) for value in quantiles),
        mean=number(sign * float(weights @ ordered)),
    )


def _quantile(ordered: Floats, weights: Floats, at: float) -> float:
    """Return the value that the smallest drawn stays at or below with probability `at`."""
    reached = np.cumsum(weights) >= at - 1e-12
    return float(ordered[np.argmax(reached)])


def _last_doubling(feasible: Floats) -> float | None:
    if len(feasible) < 2:
        return None
    return float(expected_best(feasible, len(feasible) // 2) - feasible[0])


def _next_doubling(feasible: Floats) -> float | None:
    if len(feasible) < LEAST_TRIALS:
        return None
    half, quarter = (expected_best(feasible, len(feasible) // part) for part in (2, 4))
    last, before = half - float(feasible[0]), quarter - half
    # A doubling is not expected to gain more than the one before.
    return last * min(1.0, last / before) if before > 0 else 0.0


def _log_choose(count: NDArray[np.int64], chosen: int) -> Floats:
    """Return the logarithm of the binomial coefficient; meaningless where chosen > count."""
    rest = np.maximum(count - chosen, 0)
    logs = special.gammaln(count + 1) - special.gammaln(chosen + 1) - special.gammaln(rest + 1)
    return np.asarray(logs)
