"""Whether a curve goes on to worsen after its best value, beyond its own noise; and in how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from tuning_playbook.analysis.memory import memory_in
from tuning_playbook.analysis.ranking import (
    Floats,
    arms_of,
    best_trials,
    best_value_steps,
    collapsed,
    ranked,
    trial_id,
    trial_ids,
)
from tuning_playbook.analysis.trend import LEAST_NOISES, fit_trend, whole_gain
from tuning_playbook.dataset.collapse_step import find_collapse
from tuning_playbook.dataset.evaluation_noise import evaluation_noise
from tuning_playbook.study.needs import LEAST_POINTS

SIGNIFICANCE_OF_ANY = 0.01
"""Of a single trial, whichever it is; what counts is how many there are."""

FIRST = 1 / 3
"""What the best value itself counts: it is the lowest of many, and so lies up to three standard
deviations below their level. Noise that remembers comes back from there."""

LEAST_MANY = 3
"""Fewer trials than this are not many, whatever share of a small study they are."""


@dataclass(frozen=True)
class Worsening:
    """How a curve goes on after its best value.

    Attributes:
        rise: Of a line through what follows the best value, or in a jump.
        noise: Standard deviation of the values about that line, or about their own trend.
        p_value: Of so large a rise if the values only fluctuated about a level.
        relevant: Whether the rise is large enough to matter.
    """

    rise: float = 0.0
    noise: float = 0.0
    p_value: float = 1.0
    relevant: bool = False


def worsening(curve: Floats, *, least_share: float, memory: float = 0.0) -> Worsening:
    """Judge a curve by what follows its best value.

    The best value of a noisy curve is a lucky one, so what follows lies above it even where
    nothing worsens. Therefore the values after the best one are judged by themselves: by a line
    through them. The rise is relevant from two standard deviations of the values about the line on,
    and from a share of what the curve gained from its start to its best. A best value among the
    last five leaves nothing to judge.

    The p-value is that of a one-sided t test of the slope. Noise that remembers its last value
    comes back slowly from a lucky one, which is no rise either. So each value is judged by what is
    new in it, from the best one on, which itself counts a third.

    A jump to a plateau is no line: where the line does not rise so, a jump counts by its own size
    (`dataset.collapse_step`).

    Args:
        curve: Smaller being better; what is not finite is left out: [step].
        least_share: That share.
        memory: The correlation of a value's noise with the next one's.
    """
    curve = curve[np.isfinite(curve)]
    since = curve[np.argmin(curve) :] if len(curve) else curve
    if len(since) <= LEAST_POINTS:
        return Worsening()
    trend = fit_trend(since[1:])
    p_rising = fit_trend(since, memory, first=FIRST).p_rising
    least = least_share * whole_gain(curve)
    relevant = trend.change >= max(LEAST_NOISES * trend.noise, least)
    line = Worsening(trend.change, trend.noise, p_rising, bool(relevant))
    jump = find_collapse(curve)
    if jump is None or (line.relevant and line.p_value <= SIGNIFICANCE_OF_ANY):
        return line
    rise, noise = jump.after - jump.before, evaluation_noise(curve)
    p_value = float(special.ndtr(-rise / noise)) if noise > 0 else 0.0
    return Worsening(rise, noise, p_value, relevant=rise >= least)


def keeps_improving(curve: Floats, since: int, memory: float = 0.0) -> bool | None:
    """Tell whether a curve does not worsen from an evaluation on; None where that cannot be told.

    Args:
        curve: Smaller being better, NaN where it is not known: [evaluation].
        since: The place of the evaluation.
        memory: The correlation of an evaluation's noise with the next one's.
    """
    rest = curve[since:]
    rest = rest[np.isfinite(rest)]
    if len(rest) < LEAST_POINTS:
        return None
    trend = fit_trend(rest, memory)
    if trend.change >= LEAST_NOISES * trend.noise and trend.p_rising <= SIGNIFICANCE_OF_ANY:
        return False
    return find_collapse(curve) is None


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
        unstable: The ids of the trials that worsen on the training data too.
    """

    bests: tuple[Mapping[str, Any], ...]
    flagged: tuple[Mapping[str, Any], ...]
    feasible: int
    trials: tuple[str, ...]
    arms: tuple[str, ...]
    unstable: tuple[str, ...] = ()

    @property
    def fraction(self) -> float:
        """The share of the feasible trials that worsen."""
        return len(self.trials) / max(1, self.feasible)

    def many(self, share: float) -> bool:
        """Tell whether so large a share worsens, and not just one or two."""
        return len(self.trials) >= LEAST_MANY and self.fraction >= share


def worsening_trials(
    study: xr.Dataset,
    curves: Floats,
    *,
    name: str,
    significance: float,
    least_share: float,
    train: Floats | None = None,
) -> WorseningTrials:
    """Judge the curve of every feasible trial.

    The p-value of an arm's best trial is multiplied by the number of arms (Bonferroni).

    Args:
        study: The study.
        curves: Smaller being better: [trial, step].
        name: What a trial does whose curve worsens, as `overfits`.
        significance: The largest p-value of a best trial that does.
        least_share: Of what a curve gained: a smaller rise is not relevant.
        train: The same metric on the training data: [trial, step]. Where it is given, a trial that
            worsens there too, or that collapsed, is unstable and not counted among those found.
    """
    lost = collapsed(study)
    memory = memory_in(study, curves)
    memory_in_training = 0.0 if train is None else memory_in(study, train)
    found: dict[int, Worsening] = {}
    unstable: list[int] = []
    for trial in map(int, ranked(study)):
        judged = worsening(curves[trial], least_share=least_share, memory=memory)
        if train is not None and judged.relevant and judged.p_value <= SIGNIFICANCE_OF_ANY:
            since = int(np.nanargmin(curves[trial]))
            improves = keeps_improving(train[trial], since, memory_in_training)
            if lost[trial] or improves is False:
                unstable.append(trial)
                judged = Worsening()
        found[trial] = judged
    bests = best_trials(study)
    rows = []
    for arm, trial in bests.items():
        judged = found[trial]
        p_value = min(1.0, len(bests) * judged.p_value)
        rows.append(
            {
                "arm": arm,
                "trial": trial_id(study, trial),
                "best_step": int(best_value_steps(study)[trial]),
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
        unstable=trial_ids(study, np.array(unstable, dtype=np.int64)),
    )
