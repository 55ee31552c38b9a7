"""What fraction of the trials in each arm is infeasible, and why."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import plain, text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    losses,
    members,
    strings,
    trial_ids,
)
from tuning_playbook.analysis.sampling_scale import Edge, sampling_scale, values_where_searched
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.thresholds import DEFAULTS, Infeasible

LEAST_FEASIBLE = 3
"""With fewer feasible trials an arm was not searched: its best trial is the one that survived."""

NEARLY_ALL = 0.9
"""So many infeasible trials of the whole study hint of a bug rather than of a bad corner."""

SIGNIFICANCE = 0.02
"""Share of studies whose infeasible trials lie anywhere in which a region of them is claimed."""

MOST_REASONS = 5
"""The commonest reasons are listed; a bug has few."""

ADVICE = (
    "Adjust the search space to avoid these points, which sometimes needs another "
    "parameterization; the axis plots show where they lie. Many infeasible trials can also mean a "
    "bug in the training code."
)
ADVICE_FOR_A_BUG = (
    "Nearly every trial is infeasible, which hints of a bug in the training code or the workload: "
    "read the reasons before searching on."
)


def infeasible(study: xr.Dataset, thresholds: Infeasible = DEFAULTS.infeasible) -> Finding:
    """Count the infeasible trials of each arm with their reasons.

    A problem where an arm cannot be compared: none of its trials is feasible, or fewer than three
    while more than the share `very_large` are infeasible. A warning where more than that share of
    an arm's trials are. A hint of a bug where at least nine in ten trials of the study are.

    Where they lie: in each arm and for each searched hyperparameter with an order the positions of
    the infeasible trials in the sampling scale are compared with those of the feasible ones
    (Wilcoxon's rank sum, two-sided, its p-value times the number of comparisons at most 0.02).
    Where they differ the numbers name the end of the range that the infeasible trials lie at, and
    from which value on most are infeasible. It changes no answer; with infeasible trials at random
    places a region is claimed in at most 5 % of studies, and where all of the upper third of one
    range is infeasible, 16 trials to an arm, it is found nine times in ten.

    With one trial in five infeasible at random a study of two arms of 16 trials is warned about
    in fewer than 1 % of cases, and with three in four in more than 95 %.

    Source: playbook, "Extracting insight from experimental results"; F. Wilcoxon, "Individual
    comparisons by ranking methods", 1945.
    """
    loss = losses(study)
    reasons = strings(study, "infeasible_reason")
    rows = []
    for arm in arm_names(study):
        trials = members(study, arm)
        lost = trials[np.isnan(loss[trials])]
        rows.append(_row(arm, trials, lost, reasons[lost], thresholds.very_large))
    lost = np.flatnonzero(np.isnan(loss))
    share = len(lost) / max(1, len(loss))
    bug = len(lost) > 1 and share >= NEARLY_ALL
    lacking = [row for row in rows if row["too_few_feasible"]]
    large = [row for row in rows if row["fraction"] > thresholds.very_large]
    regions = _regions(study)
    finding = partial(
        Finding,
        check="infeasible",
        question="What fraction of the trials is infeasible?",
        numbers={
            "trials": len(loss),
            "infeasible": len(lost),
            "fraction": share,
            "hint_of_a_bug": bug,
            "arms": rows,
            "regions": regions,
        },
        trials=trial_ids(study, lost),
        section="Extracting insight from experimental results",
        hyperparameters=concerned(study, regions),
        arms=arms_in(study, lacking or large or regions or rows),
    )
    if not len(lost) and not lacking:
        return finding(answer="ok", summary=f"All {len(loss)} trials are feasible.")
    summary = " ".join(
        [
            f"{len(lost)} of {len(loss)} trials are infeasible ({share:.0%}).",
            *(_where_they_lie(row) for row in regions),
            *(_too_many(row) for row in lacking or large),
        ]
    )
    if not lacking and not large:
        return finding(answer="ok", summary=summary)
    return finding(
        answer="problem" if lacking else "warning",
        summary=summary,
        advice=ADVICE_FOR_A_BUG if bug else ADVICE,
    )


def _row(
    arm: str, trials: Indices, lost: Indices, reasons: Any, very_large: float
) -> dict[str, Any]:
    feasible = len(trials) - len(lost)
    fraction = len(lost) / max(1, len(trials))
    # "at step 120" and "at step 340" are one reason.
    alike = Counter(re.sub(r"\d[\d.]*(e[+-]?\d+)?", "…", str(reason)) for reason in reasons)
    return {
        "arm": arm,
        "trials": len(trials),
        "infeasible": len(lost),
        "fraction": fraction,
        "too_few_feasible": feasible == 0 or (feasible < LEAST_FEASIBLE and fraction > very_large),
        "reasons": [
            {"reason": reason or "no reason recorded", "trials": count}
            for reason, count in alike.most_common(MOST_REASONS)
        ],
    }


def _regions(study: xr.Dataset) -> list[dict[str, Any]]:
    """Return the ends of ranges that infeasible trials lie at."""
    lost = np.isnan(losses(study))
    rows = []
    for searched in read_searched(study):
        scale = sampling_scale(study, searched)
        if scale is None:
            continue
        values = values_where_searched(study, searched)
        positions = scale.position(values)
        for arm in (name for name in arm_names(study) if name in searched.arms):
            trials = members(study, arm)
            trials = trials[np.isfinite(positions[trials])]
            if not 0 < lost[trials].sum() < len(trials):
                continue
            end = end_of_range(positions[trials], lost[trials])
            beyond = trials[end.trials]
            rows.append(
                {
                    "arm": arm,
                    "hyperparameter": searched.name,
                    "edge": end.edge,
                    "value": plain(values[beyond[-1]]),
                    "beyond": len(beyond),
                    "infeasible_beyond": int(lost[beyond].sum()),
                    "p_value": end.p_value,
                }
            )
    comparisons = len(rows)
    for row in rows:
        row["p_value"] = min(1.0, comparisons * row["p_value"])
    return [row for row in rows if row["p_value"] <= SIGNIFICANCE]


@dataclass(frozen=True)
class EndOfRange:
    """The end of a range at which some trials lie.

    Attributes:
        edge: Which end.
        trials: The places of the trials there, the outermost first: as many as hold the largest
            excess of them.
        p_value: Of them lying so far towards that end by chance, either end being possible.
    """

    edge: Edge
    trials: Indices
    p_value: float


def end_of_range(positions: Floats, chosen: NDArray[np.bool_]) -> EndOfRange:
    """Return the end of a range that some of the trials lie at, as opposed to the others.

    Args:
        positions: Of the trials: [trial].
        chosen: Which of them are asked about, some but not all: [trial].
    """
    z = rank_sum(positions, chosen)
    outermost = np.argsort(positions)
    if z > 0:
        outermost = outermost[::-1]
    beyond = int(np.argmax(np.cumsum(np.where(chosen[outermost], 1, -1)))) + 1
    edge: Edge = "high" if z > 0 else "low"
    return EndOfRange(edge, outermost[:beyond], 2 * float(special.ndtr(-abs(z))))


def rank_sum(positions: Floats, chosen: NDArray[np.bool_]) -> float:
    """Return how far the ranks of the chosen lie above the others', in standard deviations.

    Wilcoxon's statistic, with the correction for continuity.

    Args:
        positions: Of the trials: [trial].
        chosen: Which of them are asked about: [trial].

    Returns:
        Positive where the chosen ones have the larger positions.
    """
    count, some = len(positions), int(chosen.sum())
    # Equal positions share the mean of their ranks.
    _, inverse, repeats = np.unique(positions, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(repeats) - (repeats - 1) / 2)[inverse]
    excess = float(ranks[chosen].sum()) - some * (count + 1) / 2
    ties = float((repeats.astype(float) ** 3 - repeats).sum()) / (count * (count - 1))
    variance = some * (count - some) / 12 * (count + 1 - ties)
    if variance <= 0:
        return 0.0
    return float(np.sign(excess) * max(0.0, abs(excess) - 0.5) / np.sqrt(variance))


def _where_they_lie(row: Mapping[str, Any]) -> str:
    return (
        f"In {row['arm']} they lie at the {row['edge']} end of {row['hyperparameter']}: "
        f"{row['infeasible_beyond']} of {row['beyond']} trials from {text(row['value'])} on are "
        "infeasible."
    )


def _too_many(row: Mapping[str, Any]) -> str:
    feasible = row["trials"] - row["infeasible"]
    sentence = f"{row['arm']} has {feasible or 'none'} of {row['trials']} trials feasible"
    for commonest in row["reasons"][:1]:
        sentence += f"; the commonest reason, of {commonest['trials']}: {commonest['reason']}"
    return sentence.rstrip(".") + "."
