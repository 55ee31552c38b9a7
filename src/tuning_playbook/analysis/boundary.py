"""Is the search space large enough? Whether the best trials cluster at the edge of a range."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from tuning_playbook.analysis.boundary_words import advice_on, all_clear, summary_of, too_few
from tuning_playbook.analysis.breakdown import broken_down
from tuning_playbook.analysis.clustering import (
    PERMUTATIONS,
    clustering,
    nearness,
)
from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import plain
from tuning_playbook.analysis.ranking import (
    Floats,
    Indices,
    arm_names,
    collapsed,
    losses,
    members,
    ranked,
    target,
    trial_id,
)
from tuning_playbook.analysis.sampling_scale import (
    EDGES,
    Edge,
    SamplingScale,
    sampling_scale,
    values_where_searched,
)
from tuning_playbook.analysis.turning import bottom_before, turns_before
from tuning_playbook.dataset.searched import Searched, read_searched
from tuning_playbook.study.needs import boundary_can_be_told, top_count
from tuning_playbook.study.thresholds import DEFAULTS, Boundary

PERMUTATIONS_PER_TEST = 100
"""With many questions in one study each has to meet a smaller p-value, which takes more of them."""

LEAST_BROKEN_DOWN = 2
"""A single trial may have broken down for another reason than where it lies."""

BY_CHANCE = 0.1
"""Trials that break down anywhere break down beyond the best one now and then. What has a smaller
chance is a limit."""

LEAST_TRAINED = 8
"""So few, whatever their order, cannot speak against what they and those that broke down show."""

ROUNDING = 1e-6
"""A trial so near an end of a range was put there: drawn values come no nearer."""


@dataclass(frozen=True)
class _Range:
    """One hyperparameter in one arm: its feasible trials, the best first, and where they lie.

    Attributes:
        searched: The hyperparameter.
        scale: In which its values were sampled.
        arm: The arm's name.
        trials: Of equal objectives the one farthest from both edges comes first: [trial].
        positions: Of these: [trial].
        loss: Of these: [trial].
        trained: Which of these did not break down: [trial].
        everyone: The positions of all trials of the arm.
        broken: How many of these broke down.
        beyond: How many trials lie farther towards an edge than the best, and how many of those
            broke down.
        closed: The edges before which feasible trials end and at least two infeasible ones follow.
        by_ranks: Whether a parabola is fitted to ranks: steps to a target are coarse, and jump to
            what counts for the trials that did not reach it.
    """

    searched: Searched
    scale: SamplingScale
    arm: str
    trials: Indices
    positions: Floats
    loss: Floats
    trained: NDArray[np.bool_]
    everyone: Floats
    broken: int
    beyond: Mapping[Edge, tuple[int, int]]
    closed: tuple[Edge, ...]
    by_ranks: bool

    @property
    def told(self) -> NDArray[np.bool_]:
        """The trials that tell of the range: those that did not break down, or all if all did."""
        return self.trained if self.trained.any() else np.ones_like(self.trained)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges that are asked about: those that feasible trials come up to."""
        return tuple(edge for edge in EDGES if edge not in self.closed)

    def distances(self, edge: Edge) -> Floats:
        """Return how far each trial lies from an edge, as a fraction of the range."""
        return _from(edge, self.positions)

    def chance(self, edge: Edge, permutations: int, outer: float) -> float:
        """Return the chance of such a cluster among all trials."""
        distances = self.distances(edge)
        outer = nearness(distances, outer)
        return clustering(distances, self.loss, permutations, outer=outer)

    def chance_among_trained(self, edge: Edge, permutations: int, outer: float) -> float:
        """Return the same among those that did not break down; 0 where that is all or few."""
        if self.trained.all() or self.trained.sum() < LEAST_TRAINED:
            return 0.0
        distances = self.distances(edge)
        return clustering(
            distances[self.trained],
            self.loss[self.trained],
            permutations,
            outer=nearness(distances, outer),
        )

    def limited(self, edge: Edge) -> bool:
        """Whether trials that break down, and not the range, end the good region."""
        farther, broken = self.beyond[edge]
        return edge in self.closed or (
            broken >= LEAST_BROKEN_DOWN
            and 2 * broken >= farther
            and self._chance_of_broken(farther, broken) <= BY_CHANCE
        )

    def _chance_of_broken(self, farther: int, broken: int) -> float:
        """Return the chance that this many of those broke down, were they anywhere.

        The upper tail of a hypergeometric distribution.
        """
        drawn = np.arange(broken, farther + 1)
        others, lost = len(self.everyone) - self.broken, self.broken
        ways = special.binom(lost, drawn) * special.binom(others, farther - drawn)
        return float(ways.sum() / special.binom(len(self.everyone), farther))

    def turns(self, edge: Edge) -> bool:
        """Whether trials nearer an edge than the best one are clearly worse."""
        return turns_before(self.distances(edge), self.loss)

    def has_its_bottom_before(self, edge: Edge) -> bool:
        """Whether a parabola through the objectives has its bottom before an edge."""
        loss = _ranks(self.loss) if self.by_ranks else self.loss
        return bottom_before(self.distances(edge)[self.told], loss[self.told])

    def chance_of_the_best(self, edge: Edge) -> float:
        """Return the chance of a best trial so near an edge.

        Of one drawn from the range it is the distance, as a share of how far trials trained. Where
        trials were put on the end itself, as those of a grid are, it is the share of the trials
        that lie as near.
        """
        distances = self.distances(edge)[self.told]
        if _from(edge, self.everyone).min() > ROUNDING:
            return float(distances[0] / distances.max())
        return float((distances <= distances[0] + ROUNDING).mean())


def _ranks(loss: Floats) -> Floats:
    """Return the rank of each loss, equal ones having their mean: [trial]."""
    ordered = np.sort(loss)
    below, upto = (np.searchsorted(ordered, loss, side) for side in ("left", "right"))
    return np.asarray((below + upto + 1) / 2)


def _from(edge: Edge, positions: Floats) -> Floats:
    return positions if edge == "low" else 1.0 - positions


def boundary(study: xr.Dataset, thresholds: Boundary = DEFAULTS.boundary) -> Finding:
    """Find the hyperparameters whose best trials lie at an edge of their range.

    For each searched hyperparameter with an order, in each arm in which it exists, and for each
    edge, two things must hold, both in the scale in which the values were sampled: the arm's best
    feasible trial lies in the `outer` part of the range, or is one of the four nearest to the edge,
    and its top trials (the best eight, the better ones counting more) lie nearer to that edge on
    average than chance explains. Chance is a
    permutation of the objectives over the arm's feasible trials, which is right for every search
    algorithm; the p-value is the share of permutations in which both hold as strongly, times the
    number of edges asked about in the study (Bonferroni). Five trials in order are enough. Training
    that breaks down in one half of a range makes a cluster of the other half; so where trials broke
    down (`broken_down`) and eight others are left the p-value must be as small among those alone.

    A p-value of at most `significance` is a problem, unless the best value lies inside the range
    all the same: the trials nearer the edge than the best one are clearly worse (`turns_before`),
    a parabola through the trials has its bottom before them (`bottom_before`), or they broke down,
    more of them than chance explains. An edge before which two infeasible trials or more follow on
    the last feasible one is not asked about. Where no valid value lies beyond the edge it is a
    warning: no wider range exists.

    It is also a warning where the best trial alone lies on the very edge: so near that the best of
    as many trials without an effect comes no farther from any edge of the study with a probability
    of at most `very_edge`. The best of trials that were drawn evenly lies within a share d of the
    range from an edge with the probability d; that of n points of a grid on the last one with 1/n.

    At most the shares `significance` and `very_edge` of the studies whose hyperparameters have no
    effect are called so, whatever their numbers of trials, arms and hyperparameters. With 16 trials
    in each of two arms and three hyperparameters, an objective that improves along a range up to
    its edge by eight times the standard deviation of everything else is found nine times in ten.

    Where the trials are too few for any cluster to differ from chance the answer is `cannot tell`.
    A choice has no boundary.

    Source: playbook, "Identifying bad search space boundaries".

    Returns:
        The finding, whose numbers hold one row for each hyperparameter and arm.
    """
    ranges = list(_ranges(study))
    tests = sum(len(item.edges) for item in ranges)
    telling = [
        item
        for item in ranges
        if item.edges and boundary_can_be_told(len(item.trials), tests, thresholds.significance)
    ]
    wide = sum(item.scale.widened(edge) is not None for item in ranges for edge in item.edges)
    rows = [_row(study, item, tests if item in telling else 0, wide, thresholds) for item in ranges]
    flagged = [row for row in rows if row["at_boundary"]]
    limits = [row for row in rows if row["at_limit"]]
    single = [row for row in rows if row["on_the_very_edge"]]
    limited = [row for row in rows if row["limited_by_infeasible"]]
    told = [*flagged, *limits, *single] or limited or rows
    finding = partial(
        Finding,
        check="boundary",
        question="Is the search space large enough?",
        numbers={
            "significance": thresholds.significance,
            "very_edge": thresholds.very_edge,
            "outer": thresholds.outer,
            "tests": tests,
            "hyperparameters": rows,
        },
        section="Identifying bad search space boundaries",
        hyperparameters=concerned(study, told),
        arms=arms_in(study, told),
    )
    if flagged or limits or single:
        return finding(
            answer="problem" if flagged else "warning",
            summary=summary_of(flagged, limits, single),
            trials=tuple(dict.fromkeys(row["best_trial"] for row in told)),
            advice=advice_on(flagged, limits, single),
        )
    if telling:
        return finding(answer="ok", summary=all_clear(rows, limited, len(telling)))
    if not read_searched(study):
        return finding(answer="ok", summary="Nothing was searched, so there is no boundary.")
    if not ranges:
        return finding(
            answer="cannot tell",
            summary="No hyperparameter with an order was searched in an arm with feasible trials.",
        )
    return finding(
        answer="cannot tell",
        summary=too_few(rows, tests),
        advice="Look at the hyperparameter axis plots; more trials per arm would show it.",
    )


def _ranges(study: xr.Dataset) -> Iterator[_Range]:
    loss = losses(study)
    arms = {
        arm: (
            members(study, arm),
            ranked(study, arm),
            broken_down(study, arm) | collapsed(study)[members(study, arm)],
        )
        for arm in arm_names(study)
    }
    for searched in read_searched(study):
        scale = sampling_scale(study, searched)
        if scale is None:
            continue
        positions = scale.position(values_where_searched(study, searched))
        for arm, (everyone, order, broken) in arms.items():
            feasible = order[np.isfinite(positions[order])]
            if arm not in searched.arms or not len(feasible):
                continue
            # Of equally good trials the innermost counts first: one inside the range is enough,
            # and a metric that counts examples makes many equal.
            inward = np.abs(positions[feasible] - 0.5)
            best_first = feasible[np.lexsort((inward, loss[feasible]))]
            where = positions[everyone]
            farther = {
                edge: _from(edge, where) < _from(edge, positions[best_first[0]]) for edge in EDGES
            }
            outside = {
                edge: _from(edge, where) < _from(edge, positions[feasible]).min() - ROUNDING
                for edge in EDGES
            }
            yield _Range(
                searched,
                scale,
                arm,
                best_first,
                positions[best_first],
                loss[best_first],
                ~np.isin(best_first, everyone[broken]),
                where[np.isfinite(where)],
                int(broken[np.isfinite(where)].sum()),
                {edge: (int(far.sum()), int(broken[far].sum())) for edge, far in farther.items()},
                tuple(edge for edge in EDGES if outside[edge].sum() >= LEAST_BROKEN_DOWN),
                target(study) is not None,
            )


def _row(
    study: xr.Dataset, item: _Range, tests: int, wide: int, thresholds: Boundary
) -> dict[str, Any]:
    """Return the numbers of one hyperparameter in one arm.

    Args:
        study: The study.
        item: The hyperparameter.
        tests: The edges that are asked about in the study; 0 where its trials are too few.
        wide: Those beyond which there are valid values.
        thresholds: Of the check.
    """
    permutations = max(PERMUTATIONS, PERMUTATIONS_PER_TEST * tests)
    p_values = {
        edge: min(1.0, max(tests, 1) * item.chance(edge, permutations, thresholds.outer))
        for edge in EDGES
    }
    edge = min(EDGES, key=lambda name: (p_values[name], item.distances(name)[0]))
    near = tests > 0 and p_values[edge] <= thresholds.significance
    if near:
        among_trained = tests * item.chance_among_trained(edge, permutations, thresholds.outer)
        near = among_trained <= thresholds.significance
    limited = near and item.limited(edge)
    turns = near and not limited and (item.turns(edge) or item.has_its_bottom_before(edge))
    wider = item.scale.widened(edge)
    at_edge = near and not limited and not turns
    best = item.trials[0]
    row: dict[str, Any] = {
        "hyperparameter": item.searched.name,
        "condition": item.searched.condition,
        "arm": item.arm,
        "range": [item.scale.low, item.scale.high],
        "scale": "log" if item.scale.log else "linear",
        "feasible": len(item.trials),
        "best_trial": trial_id(study, int(best)),
        "best_value": plain(study[item.searched.variable].values[best]),
        "best_position": float(item.positions[0]),
        "top_positions": [float(at) for at in item.positions[: top_count(len(item.trials))]],
        "edge": edge,
        "p_value": p_values[edge] if tests else None,
        "at_boundary": bool(at_edge and wider),
        "at_limit": bool(at_edge and not wider),
        "on_the_very_edge": False,
        "p_value_of_the_best": None,
        "limited_by_infeasible": bool(limited),
        "turns_before_the_edge": bool(turns),
        "proposed_range": list(wider) if at_edge and wider else None,
    }
    return row if at_edge else row | _of_the_best(item, wide, thresholds)


def _of_the_best(item: _Range, wide: int, thresholds: Boundary) -> dict[str, Any]:
    """Return what is said of the best trial alone, where the others do not cluster with it."""
    nearest = min(EDGES, key=lambda edge: float(item.distances(edge)[0]))
    wider = item.scale.widened(nearest)
    if nearest not in item.edges or item.limited(nearest) or wider is None:
        return {}
    p_value = min(1.0, wide * item.chance_of_the_best(nearest))
    found: dict[str, Any] = {"p_value_of_the_best": p_value}
    if p_value > thresholds.very_edge or item.turns(nearest):
        return found
    return found | {"edge": nearest, "on_the_very_edge": True, "proposed_range": list(wider)}
