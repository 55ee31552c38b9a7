"""Is the search space large enough? Whether the best trials cluster at the edge of a range."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.clustering import PERMUTATIONS, clustering, top_count, top_sets
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


def boundary(study: xr.Dataset, thresholds: Boundary = DEFAULTS.boundary) -> Finding:
    """Find the hyperparameters whose best trials cluster towards an edge of their range.

    For each searched hyperparameter with an order, in each arm in which it exists, and for each
    edge beyond which there are valid values, two things must hold, both in the scale in which the
    values were sampled: the arm's best feasible trial lies in the `outer` part of the range, and
    its top trials (the best 40 %, at most 8) lie nearer to that edge on average than chance
    explains. Chance is a permutation of the objectives over the arm's feasible trials, which is
    right for every search algorithm; the p-value is the share of permutations in which both hold
    as strongly, times the number of edges asked about in the study (Bonferroni).

    A p-value of at most `significance` is a problem. So at most that share of the studies whose
    hyperparameters have no effect are called one, whatever their numbers of trials, arms and
    hyperparameters. With 16 trials in each of two arms and three hyperparameters, an objective that
    improves along a range up to its edge by eight times the standard deviation of everything else
    is found nine times in ten.

    Where most of the trials beyond the best one are infeasible a wider range would only hold more
    of those, and it is no problem. Where the trials are too few for any cluster to differ from
    chance the answer is `cannot tell`. A choice has no boundary.

    Source: playbook, "Identifying bad search space boundaries".

    Returns:
        The finding, whose numbers hold one row for each hyperparameter and arm.
    """
    ranges = list(_ranges(study))
    tests = sum(len(item.edges) for item in ranges)
    telling = [
        item for item in ranges if tests / top_sets(len(item.trials)) <= thresholds.significance
    ]
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
            summary=" ".join(_at_boundary(row) for row in flagged),
            trials=tuple(dict.fromkeys(row["best_trial"] for row in flagged)),
            advice=" ".join(_search_wider(row) for row in flagged),
        )
    if telling:
        return finding(answer="ok", summary=_all_clear(rows, limited, len(telling)))
    if not read_searched(study):
        return finding(answer="ok", summary="Nothing was searched, so there is no boundary.")
    if not ranges:
        return finding(
            answer="cannot tell",
            summary="No hyperparameter with an order was searched in an arm with feasible trials.",
        )
    return finding(
        answer="cannot tell",
        summary=_too_few(rows, tests),
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


def _row(study: xr.Dataset, item: _Range, tests: int, thresholds: Boundary) -> dict[str, Any]:
    """Return the numbers of one hyperparameter in one arm; no p-value where `tests` is 0."""
    permutations = max(PERMUTATIONS, PERMUTATIONS_PER_TEST * tests)
    chances = {
        edge: clustering(item.distances(edge), permutations, outer=thresholds.outer)
        for edge in item.edges
    }
    p_values = {edge: min(1.0, tests * chance) for edge, chance in chances.items()}
    edge = min(p_values, key=lambda name: (p_values[name], item.distances(name)[0]), default=None)
    near = edge is not None and tests > 0 and p_values[edge] <= thresholds.significance
    limited = near and edge is not None and item.limited_by_infeasible(edge)
    wider = item.scale.widened(edge) if near and not limited and edge is not None else None
    best, top = item.trials[0], top_count(len(item.trials))
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
        "top_positions": [float(position) for position in item.positions[:top]],
        "edge": edge,
        "p_value": p_values[edge] if edge is not None and tests else None,
        "at_boundary": bool(near and not limited),
        "limited_by_infeasible": bool(limited),
        "proposed_range": list(wider) if wider else None,
    }


def _at_boundary(row: Mapping[str, Any]) -> str:
    low, high = row["range"]
    return (
        f"The best trials of {row['arm']} cluster at the {row['edge']} edge of "
        f"{row['hyperparameter']}: the best has {text(row['best_value'])} in "
        f"[{text(low)}, {text(high)}] (p = {row['p_value']:.2g})."
    )


def _search_wider(row: Mapping[str, Any]) -> str:
    low, high = row["proposed_range"]
    return (
        f"Search {row['hyperparameter']} of {row['arm']} over [{text(low)}, {text(high)}], "
        "and go on until the best trial is no longer close to the boundary."
    )


def _all_clear(
    rows: Sequence[Mapping[str, Any]], limited: Sequence[Mapping[str, Any]], telling: int
) -> str:
    sentences = [
        "The best trials do not cluster at an edge of the range, in any of "
        f"{telling} combinations of a hyperparameter and an arm."
    ]
    if telling < len(rows):
        sentences.append(f"{len(rows) - telling} more have too few feasible trials to tell.")
    sentences += [
        f"At the {row['edge']} edge of {row['hyperparameter']} in {row['arm']} the infeasible "
        "trials beyond the best one, not the range, end the good region."
        for row in limited
    ]
    return " ".join(sentences)


def _too_few(rows: Sequence[Mapping[str, Any]], tests: int) -> str:
    return (
        f"There are too few feasible trials ({max(row['feasible'] for row in rows)} in the "
        f"largest arm, for {tests} edges) to tell best trials that cluster at an edge from chance."
    )
