"""Is the search space large enough? Whether the best trials cluster at the edge of a range."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import plain, text
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    losses,
    members,
    ranked,
    trial_id,
)
from tuning_playbook.analysis.sampling_scale import (
    EDGES,
    Edge,
    SamplingScale,
    sampling_scale,
    values_where_searched,
)
from tuning_playbook.dataset.searched import Searched, read_searched
from tuning_playbook.study.thresholds import DEFAULTS, Boundary

TOP_SHARE = 0.4
"""Share of the feasible trials that count as the top ones. With a smaller share no cluster of a
dozen trials could be told from chance."""

MOST_TOP = 8
"""At most so many top trials: with many trials the question is about the neighbourhood of the best
one, not about the trend over the whole range."""

PERMUTATIONS = 9999
"""At least so many, which settles a p-value of 1 in 1,000."""

PERMUTATIONS_PER_TEST = 100
"""With many questions in one study each has to meet a smaller p-value, which takes more of them."""


@dataclass(frozen=True)
class _Range:
    """One hyperparameter in one arm: its feasible trials, the best first, and where they lie."""

    searched: Searched
    scale: SamplingScale
    arm: str
    trials: Indices
    positions: Floats
    beyond: Mapping[Edge, tuple[int, int]]
    """How many trials lie farther towards an edge than the best, and how many are infeasible."""

    @property
    def top(self) -> int:
        """How many of the trials count as the top ones."""
        return top_count(len(self.trials))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges beyond which there are valid values."""
        return tuple(edge for edge in EDGES if self.scale.widened(edge) is not None)

    def distances(self, edge: Edge) -> Floats:
        """Return how far each trial lies from an edge, as a fraction of the range."""
        return self.positions if edge == "low" else 1.0 - self.positions

    def limited_by_infeasible(self, edge: Edge) -> bool:
        """Whether infeasible trials, and not the range, end the good region."""
        farther, infeasible = self.beyond[edge]
        return infeasible >= 2 and 2 * infeasible >= farther


def top_count(feasible: int) -> int:
    """Return how many of the feasible trials of an arm count as its top ones."""
    return min(max(3, math.ceil(TOP_SHARE * feasible)), MOST_TOP, feasible)


def boundary(study: xr.Dataset, thresholds: Boundary = DEFAULTS.boundary) -> Finding:
    """Find the hyperparameters whose best trials cluster towards an edge of their range.

    For each searched hyperparameter with an order, in each arm in which it exists, and for each
    edge beyond which there are valid values, two things must hold, both in the scale in which the
    values were sampled: the arm's best feasible trial lies in the outer fifth of the range, and
    its top trials (the best 40 %, at most 8) lie nearer to that edge on average than chance
    explains. Chance is a permutation of the objectives over the arm's feasible trials, which is
    right for every search algorithm; the p-value is the share of permutations in which both hold
    as strongly, times the number of edges asked about in the study (Bonferroni).

    A p-value of at most 0.03 is a problem. So at most 3 % of the studies whose hyperparameters
    have no effect are called one, whatever their numbers of trials, arms and hyperparameters.
    With 16 trials in each of two arms and three hyperparameters, an objective that improves along
    a range up to its edge by eight times the standard deviation of everything else is found nine
    times in ten.

    Where most of the trials beyond the best one are infeasible a wider range would only hold more
    of those, and it is no problem. Where the trials are too few for any cluster to differ from
    chance the answer is `cannot tell`. A choice has no boundary.

    Source: playbook, "Identifying bad search space boundaries".

    Returns:
        The finding, whose numbers hold one row for each hyperparameter and arm.
    """
    ranges = list(_ranges(study))
    tests = sum(len(item.edges) for item in ranges)
    telling = [item for item in ranges if _can_tell(item, tests, thresholds.significance)]
    rows = [_row(study, item, tests if item in telling else 0, thresholds) for item in ranges]
    flagged = [row for row in rows if row["at_boundary"]]
    limited = [row for row in rows if row["limited_by_infeasible"]]
    told = flagged or limited or rows
    finding = partial(
        Finding,
        check="boundary",
        question="Is the search space large enough?",
        numbers={
            "significance": thresholds.significance,
            "outer": thresholds.outer,
            "tests": tests,
            "hyperparameters": rows,
        },
        section="Identifying bad search space boundaries",
        hyperparameters=concerned(study, told),
        arms=arms_in(study, told),
    )
    if flagged:
        return finding(
            answer="problem",
            summary=" ".join(_sentence(row) for row in flagged),
            trials=tuple(dict.fromkeys(row["best_trial"] for row in flagged)),
            advice=" ".join(_advice(row) for row in flagged),
        )
    if telling:
        return finding(answer="ok", summary=_all_clear(rows, len(telling)))
    if not read_searched(study):
        return finding(answer="ok", summary="Nothing was searched, so there is no boundary.")
    if not ranges:
        return finding(
            answer="cannot tell",
            summary="No hyperparameter with an order was searched in an arm with feasible trials.",
        )
    return finding(
        answer="cannot tell",
        summary=(
            f"There are too few feasible trials ({max(len(item.trials) for item in ranges)} in the "
            f"largest arm, for {tests} edges) to tell best trials that cluster at an edge from "
            "chance."
        ),
        advice="Look at the hyperparameter axis plots; more trials per arm would tell.",
    )


def _ranges(study: xr.Dataset) -> Iterator[_Range]:
    loss = losses(study)
    arms = {arm: (members(study, arm), ranked(study, arm)) for arm in arm_names(study)}
    for searched in read_searched(study):
        scale = sampling_scale(study, searched)
        if scale is None:
            continue
        positions = scale.position(values_where_searched(study, searched))
        for arm, (everyone, order) in arms.items():
            best_first = order[np.isfinite(positions[order])]
            if arm not in searched.arms or not len(best_first):
                continue
            # Of equally good best trials the innermost speaks: one inside the range is enough.
            tied = best_first[loss[best_first] == loss[best_first[0]]]
            best = tied[np.argmin(np.abs(positions[tied] - 0.5))]
            best_first = np.concatenate([[best], best_first[best_first != best]])
            farther = {
                "low": everyone[positions[everyone] < positions[best]],
                "high": everyone[positions[everyone] > positions[best]],
            }
            beyond = {
                edge: (len(farther[edge]), int(np.isnan(loss[farther[edge]]).sum()))
                for edge in EDGES
            }
            yield _Range(searched, scale, arm, best_first, positions[best_first], beyond)


def _can_tell(item: _Range, tests: int, significance: float) -> bool:
    """Whether even a perfect cluster, all top trials outermost, would be significant."""
    return tests / math.comb(len(item.trials), item.top) <= significance


def clustering(distances: Floats, top: int, permutations: int, outer: float) -> float:
    """Return the chance of a best trial so near and top trials so clustered at an edge.

    Args:
        distances: From the edge, as fractions of the range, the best trial's first: [trial].
        top: How many of the first ones are the top trials.
        permutations: How many to compare with.
        outer: How near the edge the best trial must lie.
    """
    if distances[0] > outer:
        return 1.0
    drawn = distances[_subsets(len(distances), top, permutations)]
    # A grid has equal distances, whose means may differ by a rounding error.
    as_near = drawn[:, 0] <= outer
    as_clustered = drawn.mean(axis=1) <= distances[:top].mean() + 1e-9
    return (1 + int((as_near & as_clustered).sum())) / (1 + permutations)


@lru_cache(maxsize=16)
def _subsets(trials: int, top: int, permutations: int) -> Indices:
    """Return random ordered subsets of `top` out of `trials`: [permutation, top].

    Always the same ones, so that a study always gets the same finding.
    """
    generator = np.random.default_rng(0)
    chosen = np.empty((permutations, top), dtype=np.int64)
    for column in range(top):
        # The n-th of those not chosen yet: step over each chosen one that is not larger.
        drawn = generator.integers(trials - column, size=permutations)
        for earlier in np.sort(chosen[:, :column], axis=1).T:
            drawn += drawn >= earlier
        chosen[:, column] = drawn
    return chosen


def _row(study: xr.Dataset, item: _Range, tests: int, thresholds: Boundary) -> dict[str, Any]:
    """Return the numbers of one hyperparameter in one arm; no p-value where `tests` is 0."""
    permutations = max(PERMUTATIONS, PERMUTATIONS_PER_TEST * tests)
    p_values = {
        edge: min(
            1.0, tests * clustering(item.distances(edge), item.top, permutations, thresholds.outer)
        )
        for edge in item.edges
    }
    edge = min(p_values, key=lambda name: (p_values[name], item.distances(name)[0]), default=None)
    near = edge is not None and tests > 0 and p_values[edge] <= thresholds.significance
    limited = near and edge is not None and item.limited_by_infeasible(edge)
    wider = item.scale.widened(edge) if near and not limited and edge is not None else None
    best = item.trials[0]
    return {
        "hyperparameter": item.searched.name,
        "condition": item.searched.condition,
        "arm": item.arm,
        "range": [item.scale.low, item.scale.high],
        "scale": "log" if item.scale.log else "linear",
        "feasible": len(item.trials),
        "best_trial": trial_id(study, int(best)),
        "best_value": plain(study[item.searched.variable].values[best]),
        "best_position": float(item.positions[0]),
        "top_positions": [float(position) for position in item.positions[: item.top]],
        "edge": edge,
        "p_value": p_values[edge] if edge is not None and tests else None,
        "at_boundary": bool(near and not limited),
        "limited_by_infeasible": bool(limited),
        "proposed_range": list(wider) if wider else None,
    }


def _all_clear(rows: Sequence[Mapping[str, Any]], telling: int) -> str:
    sentences = [
        "The best trials do not cluster at an edge of the range, in any of "
        f"{telling} combinations of a hyperparameter and an arm."
    ]
    if telling < len(rows):
        sentences.append(f"{len(rows) - telling} more have too few feasible trials to tell.")
    sentences += [
        f"At the {row['edge']} edge of {row['hyperparameter']} in {row['arm']} the infeasible "
        "trials beyond the best one, not the range, end the good region."
        for row in rows
        if row["limited_by_infeasible"]
    ]
    return " ".join(sentences)


def _sentence(row: Mapping[str, Any]) -> str:
    low, high = row["range"]
    return (
        f"The best trials of {row['arm']} cluster at the {row['edge']} edge of "
        f"{row['hyperparameter']}: the best has {text(row['best_value'])} in "
        f"[{text(low)}, {text(high)}] (p = {row['p_value']:.2g})."
    )


def _advice(row: Mapping[str, Any]) -> str:
    low, high = row["proposed_range"]
    return (
        f"Search {row['hyperparameter']} of {row['arm']} over [{text(low)}, {text(high)}], "
        "and go on until the best trial is no longer close to the boundary."
    )
