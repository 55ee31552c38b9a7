"""Study variance: how much an arm's best objective would differ if the search were made again."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.quantiles import student_quantile
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    best_trial,
    direction,
    losses,
    members,
)

CONFIDENCE = 0.9
"""Of the interval that the best of another search falls into."""

LEAST_SEARCHES = 3
"""Of two searches the interval would be sixteen standard deviations wide: no better than none."""

BOOTSTRAP = "smoothed bootstrap of the trials"

BEYOND = 1.4
"""The density between the best trials alone would have a distribution end half as far beyond the
best; that is right where objectives have a floor, and too near where they have a tail."""

TAILS = (0.05, 0.95)
"""The quantiles that the bootstrap's interval reaches between."""

STEPS = 400
"""Of a quadrature over the distribution of the best, fine enough for its 5 % quantile."""


@dataclass(frozen=True)
class StudyVariance:
    """How much an arm's best objective differs from search to search.

    Attributes:
        arm: Its name.
        bests: The best objective of the study's own search, then of each of its repeats; None
            where no trial was feasible.
        standard_deviation: Of the best objective over repeats of the search; None where too few
            trials are feasible.
        low: Lower end of the 90 % interval that another search's best falls into, in the
            objective's unit; None likewise.
        high: Upper end.
        method: How it was found: from so many searches, or by bootstrap.
    """

    arm: str
    bests: tuple[float | None, ...]
    standard_deviation: float | None
    low: float | None
    high: float | None
    method: str

    @property
    def repeats(self) -> tuple[float, ...]:
        """The best objectives of the repeats that had a feasible trial."""
        return tuple(value for value in self.bests[1:] if value is not None)


def study_variance(
    study: xr.Dataset, replicates: xr.Dataset | None = None
) -> tuple[StudyVariance, ...]:
    """Tell study variance for each arm: the spread of its best objective over searches.

    Where the whole search was made again with other seeds it is the spread of what these searches
    found. From three of them on, the interval is Student's for one more search: their mean, and so
    many standard deviations on both sides, times sqrt(1 + 1/n) because the mean is uncertain too.

    Otherwise by a smoothed bootstrap: as many trials as the arm has are drawn again and again from
    a distribution that runs evenly from each of its objectives to the next, the i-th of n having
    the median rank (i - 0.3) / (n + 0.4), and the best of them is noted. A plain bootstrap cannot
    draw anything better than the best there is. Beyond that this one goes on by 1.4 times the mean
    of the first two gaps, the second one doubled as it is half as wide in an exponential tail. What
    happens when so many are drawn is known exactly, so none is.

    On objectives that are normal, uniform, or the bottom of a bowl of two or four hyperparameters,
    with 16 to 64 trials, the bootstrap's standard deviation comes to 0.8 to 1.6 times the true one,
    and the 90 % interval holds the mean of the best over searches in 72 to 85 % of them
    (simulated). So it is a rough guide; only the search made again tells.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration": "we might run the same experiment with a particular search space, but with two
    different seeds for quasi-random search and end up selecting different hyperparameter values".

    Args:
        study: The study.
        replicates: The trials of the repeats of its search; None where there are none.
    """
    return tuple(_of_arm(study, replicates, arm) for arm in arm_names(study))


def _of_arm(study: xr.Dataset, replicates: xr.Dataset | None, arm: str) -> StudyVariance:
    searches = [study]
    if replicates is not None:
        which = replicates["replicate"].values
        searches += [replicates.isel(trial=which == repeat) for repeat in np.unique(which)]
    bests = tuple(_best(search, arm) for search in searches)
    found = np.array([value for value in bests if value is not None])
    if len(found) >= LEAST_SEARCHES:
        method = f"{len(found)} searches, each with a seed of its own"
        return StudyVariance(arm, bests, *one_more_search(found), method)
    drawn = best_by_bootstrap(losses(study)[members(study, arm)])
    if drawn is None:
        return StudyVariance(arm, bests, None, None, None, BOOTSTRAP)
    low, high = sorted(direction(study) * float(np.quantile(drawn, at)) for at in TAILS)
    return StudyVariance(arm, bests, float(drawn.std()), low, high, BOOTSTRAP)


def _best(study: xr.Dataset, arm: str) -> float | None:
    position = best_trial(study, arm)
    return None if position is None else number(study["objective"].values[position])


def one_more_search(bests: Floats) -> tuple[float, float, float]:
    """Return what the best of one more search is to be expected to differ by.

    Args:
        bests: Of at least `LEAST_SEARCHES` searches: [search].

    Returns:
        Their standard deviation, and both ends of Student's 90 % interval for one more.
    """
    deviation = float(bests.std(ddof=1))
    quantile = student_quantile((1 + CONFIDENCE) / 2, len(bests) - 1)
    margin = quantile * deviation * math.sqrt(1 + 1 / len(bests))
    middle = float(bests.mean())
    return deviation, middle - margin, middle + margin


def best_by_bootstrap(loss: Floats) -> Floats | None:
    """Return the best of as many trials, were they drawn again: evenly spaced quantiles of it.

    Args:
        loss: Of an arm's trials, NaN for an infeasible one: [trial].

    Returns:
        [quantile], from the better to the worse; None where too few trials are feasible to tell.
    """
    loss = np.sort(loss)  # infeasible ones last
    feasible = loss[np.isfinite(loss)]
    ranks = (np.arange(1, len(feasible) + 1) - 0.3) / (len(loss) + 0.4)
    # The distribution of the best of n: where that of one trial is at 1 - (1 - p)^(1/n).
    shares = (np.arange(STEPS) + 0.5) / STEPS
    places = 1 - (1 - shares) ** (1 / max(1, len(loss)))
    none_feasible = np.mean(places > ranks[-1]) if 0 < len(feasible) < len(loss) else 0.0
    if len(feasible) < 2 or none_feasible > TAILS[0]:
        return None
    gaps = np.diff(feasible[:3]) * np.arange(1, len(feasible[:3]))
    best_possible = feasible[0] - BEYOND * gaps.mean()
    return np.asarray(np.interp(places, [0.0, *ranks], [best_possible, *feasible]))
