"""Study variance: how much an arm's best objective would differ if the search were made again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import special

from tuning_playbook.analysis.imported_repeats import imported_repeats
from tuning_playbook.analysis.metric_range import metric_range
from tuning_playbook.analysis.numbers import ROUNDING, number
from tuning_playbook.analysis.quantiles import student_quantile
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    best_trial,
    direction,
    members,
    objective_losses,
    target,
)

CONFIDENCE = 0.9
"""Of the interval that the best of another search falls into, at least."""

STUDENTS = 0.93
"""Of Student's interval: it holds a little less than it says where the bests are not normal, and
nine in ten then."""

LEAST_SEARCHES = 3
"""Of two searches Student's interval would be sixteen standard deviations wide: no better than
none. The standard deviation of two says next to nothing either."""


@dataclass(frozen=True)
class StudyVariance:
    """How much an arm's best objective differs from search to search.

    Attributes:
        arm: Its name.
        bests: The best objective of the study's own search, then of each of its repeats; None
            where no trial was feasible, or none reached the target.
        standard_deviation: Of the best objectives of three searches or more; None of fewer, and
            where one of them reached no target.
        low: Lower end of an interval that another search's best falls into in at least 90 %, in the
            objective's unit.
        high: Upper end.
        low_open: Whether the trials leave the lower end open. It is then what the metric can be at
            the best, or None where that is not known or it is the worse end.
        high_open: The same of the upper end.
        method: How the interval was found.
        same_points: Whether the repeats are imported studies with the same points and other seeds.
    """

    arm: str
    bests: tuple[float | None, ...]
    standard_deviation: float | None
    low: float | None
    high: float | None
    low_open: bool
    high_open: bool
    method: str
    same_points: bool = False

    @property
    def repeats(self) -> tuple[float, ...]:
        """The best objectives of the repeats that had a feasible trial."""
        return tuple(value for value in self.bests[1:] if value is not None)


def study_variance(
    study: xr.Dataset, replicates: xr.Dataset | None = None, reruns: xr.Dataset | None = None
) -> tuple[StudyVariance, ...]:
    """Tell study variance for each arm: what another search would have as its best objective.

    The trials of the search, and of its repeats with other seeds, are draws from one distribution,
    and so would be those of another search of the same size. With what probability its best is
    worse than the j-th best of the trials at hand then follows from counting, whatever the
    distribution (`chance_of_worse`); the interval ends at the first trial for which that is at most
    10 %. How much better the best may be no such trials tell, so the better end is open: it stands
    at the best value that the metric can have, or nowhere. An infeasible trial is worse than any
    other, and so is one that did not reach a target than any that did.

    Quasi-random trials lie more evenly than independent ones. So the best of another such search
    varies less, and falls into the interval more often.

    Several studies of imported trials are repeats of a search with the same points, each trained
    with seeds of its own (`imported_repeats`). They are no draws of points, so the interval is
    Student's for one more such search: the mean of the bests, and that many standard deviations on
    both sides, times sqrt(1 + 1/n) because the mean is uncertain too.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration": "we might run the same experiment with a particular search space, but with two
    different seeds for quasi-random search and end up selecting different hyperparameter values".
    H. A. David and H. N. Nagaraja, "Order statistics", 2003, section 7.3: prediction intervals.

    Args:
        study: The study.
        replicates: The trials of the repeats of its search; None where there are none.
        reruns: Its reruns, among which are the repeats of an imported search; None likewise.
    """
    same_points = imported_repeats(study, reruns)
    if same_points:
        return tuple(_of_same_points(study, same_points, arm) for arm in arm_names(study))
    repeats: list[xr.Dataset] = []
    if replicates is not None:
        which = replicates["replicate"].values
        repeats = [replicates.isel(trial=which == repeat) for repeat in np.unique(which)]
    return tuple(_of_draws(study, repeats, arm) for arm in arm_names(study))


def _of_draws(study: xr.Dataset, repeats: Sequence[xr.Dataset], arm: str) -> StudyVariance:
    searches = [study, *repeats]
    pooled = np.concatenate([objective_losses(search)[members(search, arm)] for search in searches])
    worst = worst_of_another_search(pooled, len(members(study, arm)))
    sign, possible = direction(study), metric_range(study)
    better = number(possible.low if sign > 0 else possible.high)
    worse = None if worst is None else sign * worst
    bests = tuple(_best(search, arm) for search in searches)
    return StudyVariance(
        arm=arm,
        bests=bests,
        standard_deviation=_deviation(study, bests),
        low=better if sign > 0 else worse,
        high=worse if sign > 0 else better,
        low_open=sign > 0 or worse is None,
        high_open=sign < 0 or worse is None,
        method="the trials of one search"
        if len(searches) == 1
        else f"the trials of {len(searches)} searches, each with a seed of its own",
    )


def _of_same_points(study: xr.Dataset, repeats: Sequence[xr.Dataset], arm: str) -> StudyVariance:
    bests = tuple(_best(search, arm) for search in (study, *repeats))
    found = np.array([value for value in bests if value is not None])
    low = high = None
    if len(found) == len(bests) >= LEAST_SEARCHES:
        low, high = metric_range(study).clip(one_more_search(found)).tolist()
    return StudyVariance(
        arm=arm,
        bests=bests,
        standard_deviation=_deviation(study, bests),
        low=low,
        high=high,
        low_open=low is None,
        high_open=high is None,
        method=f"the bests of {len(bests)} searches of the same points, each with its own seeds",
        same_points=True,
    )


def _best(study: xr.Dataset, arm: str) -> float | None:
    position = best_trial(study, arm)
    return None if position is None else number(study["objective"].values[position])


def _deviation(study: xr.Dataset, bests: tuple[float | None, ...]) -> float | None:
    found = [value for value in bests if value is not None]
    # A search that reached no target is no search without a result: leaving it out would flatter.
    if target(study) is not None and len(found) < len(bests):
        return None
    return float(np.std(found, ddof=1)) if len(found) >= LEAST_SEARCHES else None


def worst_of_another_search(loss: Floats, trials: int) -> float | None:
    """Return the loss that the best of another search is at most, with 90 % confidence.

    Args:
        loss: Of the trials at hand, NaN for an infeasible one: [trial].
        trials: How many the other search has.

    Returns:
        The loss of one of the trials; None where they leave it open.
    """
    ordered = np.sort(loss)  # infeasible ones last
    chances = chance_of_worse(len(loss), trials)
    sure = np.flatnonzero(chances <= 1 - CONFIDENCE + ROUNDING)
    return number(ordered[sure[0]]) if len(sure) else None


def chance_of_worse(known: int, trials: int) -> Floats:
    """Return with what probability the best of some trials is worse than each of others in order.

    All are draws from one distribution, so every order of them is equally likely: that the j best
    of all are among the known ones has the probability C(known + trials - j, trials) /
    C(known + trials, trials). Where values may be equal it is an upper bound.

    Args:
        known: How many trials are known.
        trials: How many more there are.

    Returns:
        [known], that of the best known one first.

    Example:
        >>> chance_of_worse(16, 16)[:4].round(3).tolist()
        [0.5, 0.242, 0.113, 0.051]
    """
    left = known + trials - np.arange(known + 1)
    logs = special.gammaln(left + 1) - special.gammaln(left - trials + 1)
    return np.asarray(np.exp(logs - logs[0])[1:])


def one_more_search(bests: Floats) -> Floats:
    """Return both ends of an interval that holds the best of one more search in 90 %.

    Args:
        bests: Of at least `LEAST_SEARCHES` searches: [search].
    """
    quantile = student_quantile((1 + STUDENTS) / 2, len(bests) - 1)
    margin = quantile * float(bests.std(ddof=1)) * math.sqrt(1 + 1 / len(bests))
    return np.array([bests.mean() - margin, bests.mean() + margin])
