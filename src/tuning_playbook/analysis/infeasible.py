"""What fraction of the trials in each arm is infeasible, and why."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.end_of_range import PERMUTATIONS, end_of_range
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
from tuning_playbook.analysis.sampling_scale import sampling_scale, values_where_searched
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.study.thresholds import DEFAULTS, Infeasible

LEAST_FEASIBLE = 3
"""With fewer feasible trials an arm was not searched: its best trial is the one that survived."""

NEARLY_ALL = 0.9
"""This many infeasible trials of the whole study hint at a bug, not at a bad corner."""

SIGNIFICANCE = 0.044
"""Share of studies whose infeasible trials lie anywhere in which a region of them is claimed."""

PERMUTATIONS_PER_COMPARISON = 100
"""With many of them each has to meet a smaller p-value, which takes more permutations."""

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
    an arm's trials are, and where at least the share `one_end` of them lies beyond one value of a
    hyperparameter. A hint at a bug where at least nine in ten trials of the study are.

    Where they lie: in each arm and for each searched hyperparameter with an order a threshold is
    looked for that parts the infeasible trials from the feasible ones (`end_of_range`; the p-values
    of all of them together, `comparisons_for_each`), and then one at the other end. The numbers
    name the end of the range and the value at which failures begin. With infeasible trials at
    random places a threshold is claimed in at most 5 % of studies; where all of the upper third of
    one range is infeasible, 16 trials to an arm, or the upper half, 8 trials to an arm, it is found
    nine times in ten.

    With one trial in five infeasible at random a study of two arms of 16 trials is warned about
    in fewer than 1 % of cases, and with three in four in more than 95 %.

    Source: playbook, "Extracting insight from experimental results".
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
    counts = {row["arm"]: row["trials"] for row in rows}
    wasted = [
        row
        for row in regions
        if row["infeasible_beyond"] >= thresholds.one_end * counts[row["arm"]]
    ]
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
        arms=arms_in(study, lacking or [*large, *wasted] or regions or rows),
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
    if not lacking and not large and not wasted:
        return finding(answer="ok", summary=summary)
    return finding(
        answer="problem" if lacking else "warning",
        summary=summary,
        advice=ADVICE_FOR_A_BUG if bug else " ".join([*map(_end_it_there, wasted), ADVICE]),
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
    ranges: list[_Range] = []
    for searched in read_searched(study):
        scale = sampling_scale(study, searched)
        if scale is None:
            continue
        values = values_where_searched(study, searched)
        positions = scale.position(values)
        for arm in (name for name in arm_names(study) if name in searched.arms):
            trials = members(study, arm)
            trials = trials[np.isfinite(positions[trials])]
            if _can_be_parted(positions[trials], lost[trials]):
                ranges.append(_Range(arm, searched.name, trials, positions, values))
    permutations = max(PERMUTATIONS, PERMUTATIONS_PER_COMPARISON * len(ranges))
    chances = [
        end_of_range(item.positions[item.trials], lost[item.trials], permutations).mid_p_value
        for item in ranges
    ]
    times = comparisons_for_each([item.arm for item in ranges], np.array(chances))
    return [
        row
        for item, comparisons in zip(ranges, times, strict=True)
        for row in _ends(item, lost, comparisons, permutations)
    ]


def comparisons_for_each(arms: Sequence[str], chances: Floats) -> Floats:
    """Return by how much each p-value is multiplied, where `SIGNIFICANCE` is for all together.

    The smallest p-value of an arm is multiplied by the number of those of its arm. Where those of
    several arms are small together, each may be larger than a single one. If there is nothing to
    find, something is found in that share of cases all the same (Simes). All other p-values are
    multiplied by their number (Bonferroni).

    Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", 1995.

    Args:
        arms: That each p-value belongs to.
        chances: The p-values: [comparison].

    Returns:
        [comparison]

    Example:
        >>> comparisons_for_each(["a", "a", "b"], np.array([0.01, 0.3, 0.03])).tolist()
        [2.0, 3.0, 1.0]
    """
    times = np.full(len(chances), float(len(chances)))
    own = {arm: np.flatnonzero(np.array(arms) == arm) for arm in arms}
    least = {arm: int(places[np.argmin(chances[places])]) for arm, places in own.items()}
    of_arms = np.sort([len(own[arm]) * chances[place] for arm, place in least.items()])
    counts = np.arange(1, len(of_arms) + 1)
    small = np.flatnonzero(len(of_arms) * of_arms <= counts * SIGNIFICANCE)
    named = int(counts[small[-1]]) if len(small) else 1
    for arm, place in least.items():
        times[place] = len(own[arm]) * len(own) / named
    return times


@dataclass(frozen=True)
class _Range:
    """A hyperparameter in an arm of which some trials are infeasible.

    Attributes:
        arm: Its name.
        hyperparameter: Its name.
        trials: Of the arm: [trial of the arm].
        positions: Of all trials of the study: [trial].
        values: Likewise: [trial].
    """

    arm: str
    hyperparameter: str
    trials: Indices
    positions: Floats
    values: Floats


def _can_be_parted(positions: Floats, lost: NDArray[np.bool_]) -> bool:
    return bool(0 < lost.sum() < len(lost) and np.ptp(positions) > 0)


def _ends(
    item: _Range, lost: NDArray[np.bool_], comparisons: float, permutations: int
) -> Iterator[dict[str, Any]]:
    """Yield the end that infeasible trials lie at, and the other one where they lie at both."""
    trials, known = item.trials, None
    while _can_be_parted(item.positions[trials], lost[trials]):
        end = end_of_range(item.positions[trials], lost[trials], permutations)
        p_value = min(1.0, comparisons * end.mid_p_value)
        if p_value > SIGNIFICANCE or end.edge == known:
            return
        beyond = trials[end.trials]
        trials = np.setdiff1d(trials, beyond)
        yield {
            "arm": item.arm,
            "hyperparameter": item.hyperparameter,
            "edge": end.edge,
            "value": plain(item.values[beyond[-1]]),
            "beyond": len(beyond),
            "infeasible_beyond": int(lost[beyond].sum()),
            "inside": len(trials),
            "infeasible_inside": int(lost[trials].sum()),
            "p_value": p_value,
        }
        if known:
            return
        known = end.edge


def _where_they_lie(row: Mapping[str, Any]) -> str:
    beyond, inside = ("more", "below") if row["edge"] == "high" else ("less", "above")
    return (
        f"In {row['arm']} failures begin at {row['hyperparameter']} = {text(row['value'])}: "
        f"{row['infeasible_beyond']} of {row['beyond']} trials with that or {beyond} are "
        f"infeasible, and {row['infeasible_inside'] or 'none'} of {row['inside']} {inside} it."
    )


def _end_it_there(row: Mapping[str, Any]) -> str:
    inside = "below" if row["edge"] == "high" else "above"
    return (
        f"End the range of {row['hyperparameter']} of {row['arm']} {inside} {text(row['value'])}."
    )


def _too_many(row: Mapping[str, Any]) -> str:
    feasible = row["trials"] - row["infeasible"]
    sentence = f"{row['arm']} has {feasible or 'none'} of {row['trials']} trials feasible"
    for commonest in row["reasons"][:1]:
        sentence += f"; the commonest reason, of {commonest['trials']}: {commonest['reason']}"
    return sentence.rstrip(".") + "."
