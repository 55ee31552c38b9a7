"""Isolation: the best trial of each arm, with the nuisance hyperparameters optimized away."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import censored, members, trial_ids
from tuning_playbook.analysis.study_variance import study_variance
from tuning_playbook.analysis.variance import trial_variance
from tuning_playbook.study.study import BASELINE


@dataclass(frozen=True)
class IsolationPoint:
    """One arm on the isolation plot.

    Attributes:
        arm: Its name.
        trial: The id of its best trial; empty where no trial is feasible.
        objective: The objective of that trial in the search; None where no trial is feasible, and
            where it did not reach the target.
        reruns: The objectives of its feasible reruns.
        rerun_trials: Their ids.
        mean: Of the reruns; None where there is none.
        standard_deviation: Of the reruns; None below two.
        low: Lower end of the 95 % interval of the mean; None where the variance is not known.
        high: Upper end.
        trials: How many trials the arm had.
        infeasible_reruns: How many of its reruns were infeasible.
        repeats: The best objective in each repeat of the whole search.
        study_low: Lower end of the interval that the best of another search falls into in 90 % or
            more (study variance); None where it is open, so that no trial bounds it.
        study_high: Upper end.
        censored: Whether the best trial, and so every feasible one, did not reach the target.
        censored_reruns: How many of its reruns did not.
    """

    arm: str
    trial: str
    objective: float | None
    reruns: tuple[float, ...]
    rerun_trials: tuple[str, ...]
    mean: float | None
    standard_deviation: float | None
    low: float | None
    high: float | None
    trials: int
    infeasible_reruns: int
    repeats: tuple[float, ...]
    study_low: float | None
    study_high: float | None
    censored: bool = False
    censored_reruns: int = 0

    @property
    def infeasible(self) -> bool:
        """Whether the arm has no feasible trial, and so no point."""
        return self.objective is None and not self.censored


def isolation(
    study: xr.Dataset, reruns: xr.Dataset | None = None, replicates: xr.Dataset | None = None
) -> tuple[IsolationPoint, ...]:
    """Return the best trial of each arm with its reruns, in the study's order of arms.

    The objective of the best trial is the best of many and so too good; the reruns show by how
    much, and what another search might have found instead is the interval of study variance. An arm
    without a feasible trial is in the list, without an objective.

    The best trial is that of the study's own search, also where the whole search was made again:
    the best of several searches is better than the best of one.

    Source: playbook, "Detecting whether a change is useful with isolation plots".
    """
    missed = trial_ids(study, np.flatnonzero(censored(study)))
    searches = {row.arm: row for row in study_variance(study, replicates, reruns)}
    return tuple(
        IsolationPoint(
            arm=row.arm,
            trial=row.trial,
            objective=row.search_objective,
            reruns=row.feasible,
            rerun_trials=row.feasible_trials,
            mean=row.mean,
            standard_deviation=row.standard_deviation,
            low=row.low,
            high=row.high,
            trials=len(members(study, row.arm)),
            infeasible_reruns=row.infeasible,
            repeats=searches[row.arm].repeats,
            study_low=None if searches[row.arm].low_open else searches[row.arm].low,
            study_high=None if searches[row.arm].high_open else searches[row.arm].high,
            censored=row.trial in missed,
            censored_reruns=row.missed,
        )
        for row in trial_variance(study, reruns)
        if row.arm != BASELINE
    )
