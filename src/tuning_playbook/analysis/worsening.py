"""Whether a curve goes on to worsen after its best value, beyond its own noise; and in how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import (
    Floats,
    arms_of,
    best_trials,
    ranked,
    trial_id,
    trial_ids,
)
from tuning_playbook.analysis.trend import LEAST_NOISES, LEAST_POINTS, fit_trend

SIGNIFICANCE_OF_ANY = 0.01
"""Of a single trial, whichever it is; what counts is how many there are."""

LEAST_MANY = 3
"""Fewer trials than this are not many, whatever share of a small study they are."""


@dataclass(frozen=True)
class Worsening:
    """How a curve goes on after its best value.

    Attributes:
        rise: Of a line through what follows the best value.
        noise: Standard deviation of the values about that line.
        p_value: Of so large a rise if the values only fluctuated about a level.
        relevant: Whether the rise is large enough to matter.
    """

    rise: float = 0.0
    noise: float = 0.0
    p_value: float = 1.0
    relevant: bool = False


def worsening(curve: Floats, *, least_share: float) -> Worsening:
    """Judge a curve by what follows its best value.

    The best value of a noisy curve is a lucky one, so what follows lies above it even where
    nothing worsens. Therefore the values after the best one are judged by themselves: by a line
    through them, and a one-sided t test of its slope. The rise is relevant from two standard
    deviations of the values about the line on, and from a share of what the curve gained from its
    start to its best. A best value among the last five leaves nothing to judge.

    Args:
        curve: Smaller being better; what is not finite is left out: [step].
        least_share: That share.
    """
    curve = curve[np.isfinite(curve)]
    after = curve[np.argmin(curve) + 1 :] if len(curve) else curve
    if len(after) < LEAST_POINTS:
        return Worsening()
    trend = fit_trend(after)
    gained = curve[0] - curve.min()
    relevant = trend.change >= max(LEAST_NOISES * trend.noise, least_share * gained)
    return Worsening(trend.change, trend.noise, trend.p_rising, bool(relevant))


@dataclass(frozen=True)
class WorseningTrials:
    """The trials of a study whose curves worsen after their best value.

    Attributes:
        bests: Of each arm's best trial: its arm, its id, its rise, its noise, its p-value, and
            under the name of what worsens whether it does.
        flagged: Those of them that do.
        feasible: How many feasible trials there are.
        trials: The ids of those among them that worsen.
        arms: The names of the arms that these are in.
    """

    bests: tuple[Mapping[str, Any], ...]
    flagged: tuple[Mapping[str, Any], ...]
    feasible: int
    trials: tuple[str, ...]
    arms: tuple[str, ...]

    @property
    def fraction(self) -> float:
        """The share of the feasible trials that worsen."""
        return len(self.trials) / max(1, self.feasible)

    def many(self, share: float) -> bool:
        """Tell whether so large a share worsens, and not just one or two."""
        return len(self.trials) >= LEAST_MANY and self.fraction >= share


def worsening_trials(
    study: xr.Dataset, curves: Floats, *, name: str, significance: float, least_share: float
) -> WorseningTrials:
    """Judge the curve of every feasible trial.

    The p-value of an arm's best trial is multiplied by the number of arms (Bonferroni).

    Args:
        study: The study.
        curves: Smaller being better: [trial, step].
        name: What a trial does whose curve worsens, as `overfits`.
        significance: The largest p-value of a best trial that does.
        least_share: Of what a curve gained: a smaller rise is not relevant.
    """
    found = {
        int(trial): worsening(curves[trial], least_share=least_share) for trial in ranked(study)
    }
    bests = best_trials(study)
    rows = []
    for arm, trial in bests.items():
        judged = found[trial]
        p_value = min(1.0, len(bests) * judged.p_value)
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "best_step": int(study["best_step"].values[trial]),
                "rise": judged.rise,
                "noise": judged.noise,
                "p_value": p_value,
                name: judged.relevant and p_value <= significance,
            }
        )
    any_at_all = np.array(
        [
            trial
            for trial, judged in found.items()
            if judged.relevant and judged.p_value <= SIGNIFICANCE_OF_ANY
        ],
        dtype=np.int64,
    )
    return WorseningTrials(
        bests=tuple(rows),
        flagged=tuple(row for row in rows if row[name]),
        feasible=len(found),
        trials=trial_ids(study, any_at_all),
        arms=arms_of(study, any_at_all),
    )
