"""Have we sampled enough? Whether an arm's good region holds more than a lucky trial or two."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from tuning_playbook.analysis.best_of import BestOf, best_of
from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    objective_losses,
    objective_split,
    ranked,
    target,
    trial_ids,
)
from tuning_playbook.analysis.resolution import resolution
from tuning_playbook.analysis.step_variance import TOP_TRIALS, late_scatter
from tuning_playbook.analysis.trend import LEAST_NOISES
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.needs import DENSITY_TRIALS
from tuning_playbook.study.thresholds import DEFAULTS, SamplingDensity

TOP_SHARE = 0.5
"""The gaps are compared within the better half, where the shape of the worse half has no say."""

MOST_ALONE = 2
"""A good region with three trials in it was sampled more than once by luck."""

JITTERS = 200
"""Of values that are counted: their mean p-value is then known to a tenth of itself or better."""

ADVICE = (
    "Run more trials, some of them in a narrower space around the best ones: a good region that so "
    "few trials found may hold better ones still."
)


def sampling_density(
    study: xr.Dataset, thresholds: SamplingDensity = DEFAULTS.sampling_density
) -> Finding:
    """Tell whether the best trials of an arm stand alone.

    Few points in the good region of a search space show as a gap: the best trial or two are better
    than the next by far more than the next are than each other. The gaps between the ordered
    values of a sample are close to exponential and independent (Rényi 1953), each with a mean of
    its own; here that of a normal sample (Blom's approximation), against which objectives fall off
    faster towards a best value that they cannot exceed, which makes the first gaps smaller. So one
    of k gaps, each divided by its mean, is larger than r times the sum of the others with a
    probability of at most (1 + r)^-(k - 1). The first and the second gap of the better half of an
    arm's feasible trials are judged so, and their p-values multiplied by two and by the number of
    arms. It is a warning where one is at most `significance`, and the gap is at least twice the
    scatter of the late evaluations of the arm's best trials (`late_scatter`).

    A metric that counts examples makes equal values of unequal ones, and gaps of its unit. So the
    p-value is the mean over `JITTERS` sets of values in which the rounding is drawn anew, evenly
    within one unit (Machado and Santos Silva 2005); of a metric without a unit it stays what it is.

    How many trials are enough cannot be known; the numbers say what the last doubling of the budget
    brought, the expected best of half the trials against that of all, and what the next one is
    expected to bring (`best_of`).

    Where steps to a target rank the trials, an arm is judged if its better half reaches the target,
    and the scatter is one evaluation.

    Where no hyperparameter has an effect at most 2 % of studies are warned about; were the tail of
    good objectives exponential, 8 % would be. With 16 trials in each of two arms, an arm in which
    one trial is better by twelve times the standard deviation of the others is found nine times in
    ten.

    Source: playbook, "Not sampling enough points in the search space"; A. Rényi, "On the theory of
    order statistics", 1953; G. Blom, "Statistical estimates and transformed beta-variables", 1958;
    J. A. F. Machado and J. M. C. Santos Silva, "Quantiles for counts", 2005.
    """
    arms = arm_names(study)
    bought = {arm.arm: arm for arm in best_of(study)}
    loss = objective_losses(study)
    unit = resolution(loss[np.isfinite(loss)])
    rows = [_row(study, bought[arm], len(arms), unit, thresholds.significance) for arm in arms]
    judged = [row for row in rows if row["p_value"] is not None]
    alone = [row for row in judged if row["alone"]]
    finding = partial(
        Finding,
        check="sampling_density",
        question="Have we sampled enough points from the search space?",
        numbers={"significance": thresholds.significance, "arms": rows},
        section="Not sampling enough points in the search space",
        arms=arms_in(study, alone or judged),
    )
    if alone:
        return finding(
            answer="warning",
            summary=" ".join(_stand_alone(row) for row in alone),
            trials=tuple(trial for row in alone for trial in row["best_trials"]),
            advice=ADVICE,
        )
    if not read_searched(study):
        return finding(answer="ok", summary="Nothing was searched, so there is nothing to sample.")
    if not judged:
        return finding(
            answer="cannot tell",
            summary=(
                f"No arm has the {DENSITY_TRIALS} feasible trials that this check needs."
                if target(study) is None
                else f"In no arm do {DENSITY_TRIALS} trials and half of the feasible ones reach "
                "the target, as it takes to tell."
            ),
            advice="Run more trials.",
        )
    return finding(answer="ok", summary=_all_clear(judged, len(rows) - len(judged)))


def _row(
    study: xr.Dataset, bought: BestOf, arms: int, unit: float, significance: float
) -> dict[str, Any]:
    order = ranked(study, bought.arm)
    loss = objective_losses(study)[order]
    row: dict[str, Any] = {
        "arm": bought.arm,
        "feasible": len(order),
        "last_doubling": bought.last_doubling,
        "next_doubling": bought.next_doubling,
        "best_trials": [],
        "gap": None,
        "p_value": None,
        "alone": False,
    }
    if len(order) < DENSITY_TRIALS or not np.isfinite(loss[: _better_half(len(order))]).all():
        return row
    count, p_value = first_gap(loss, unit)
    gap = float(loss[count] - loss[count - 1])
    noise = LEAST_NOISES * (_scatter(study, order) or 0.0)
    p_value = min(1.0, arms * p_value)
    return row | {
        "best_trials": list(trial_ids(study, order[:count])),
        "gap": gap,
        "p_value": p_value,
        "alone": p_value <= significance and gap >= noise,
    }


def _better_half(trials: int) -> int:
    return max(DENSITY_TRIALS, round(TOP_SHARE * trials))


def _scatter(study: xr.Dataset, order: Indices) -> float | None:
    """Return by how much the objectives of an arm's best trials scatter, in their unit.

    Steps to a target are known to one evaluation, however the metric scatters.
    """
    if target(study) is not None:
        return float(study.attrs["eval_every"])
    return late_scatter(
        study, objective_split(study), order[:TOP_TRIALS], DEFAULTS.step_variance.last
    )


def first_gap(loss: Floats, unit: float) -> tuple[int, float]:
    """Return how many of the best trials lie before the largest early gap, and its p-value.

    Args:
        loss: Of at least `DENSITY_TRIALS` trials, the best first, finite in the better half:
            [trial].
        unit: In which the objective is counted, see `resolution`.
    """
    random = np.random.default_rng(0)
    rounding = unit * (random.random((JITTERS, len(loss))) - 0.5)
    # A trial without an objective is behind all others: NaN sorts last.
    p_values = _of_gaps(np.sort(loss + rounding, axis=1)).mean(axis=0)
    place = int(np.argmin(p_values))
    return place + 1, min(1.0, MOST_ALONE * float(p_values[place]))


def _of_gaps(loss: Floats) -> Floats:
    """Return the p-value of each early gap: [sample, trial], sorted, to [sample, gap]."""
    count = loss.shape[1]
    top = loss[:, : _better_half(count)]
    # Blom's approximation of the expected values of a normal sample in order.
    expected = special.ndtri((np.arange(1, top.shape[1] + 1) - 0.375) / (count + 0.25))
    gaps = np.diff(top, axis=1) / np.diff(expected)
    early = gaps[:, :MOST_ALONE]
    others = gaps.sum(axis=1, keepdims=True) - early
    # Gaps that are all nothing are no larger than each other.
    share = np.divide(early, others, out=np.where(early > 0, np.inf, 0.0), where=others > 0)
    return np.asarray((1 + share) ** -(gaps.shape[1] - 1.0))


def _stand_alone(row: Mapping[str, Any]) -> str:
    count = len(row["best_trials"])
    stand = "best trial stands" if count == 1 else f"best {count} trials stand"
    return (
        f"The {stand} alone in {row['arm']}: the next is worse by {text(row['gap'])}, which the "
        f"gaps between the others do not explain (p = {row['p_value']:.2g}). {_doubling(row)}"
    )


def _all_clear(judged: Sequence[Mapping[str, Any]], few: int) -> str:
    sentences = ["In no arm is the best trial isolated.", *map(_doubling, judged)]
    if few:
        sentences.append(f"{few} more have too few trials with an objective.")
    return " ".join(sentences)


def _doubling(row: Mapping[str, Any]) -> str:
    if row["last_doubling"] is None:
        return f"Half of the trials of {row['arm']} may be without one that reaches the target."
    sentence = (
        f"The last doubling of the trials of {row['arm']} gained {text(row['last_doubling'])}"
    )
    if row["next_doubling"] is not None:
        sentence += f"; the next is expected to gain {text(row['next_doubling'])}"
    return sentence + "."
