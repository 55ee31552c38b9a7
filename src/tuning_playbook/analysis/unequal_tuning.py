"""Were all arms tuned equally well? Else their best trials do not say which arm is better."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import plain
from tuning_playbook.analysis.ranking import arm_names, members, ranked
from tuning_playbook.analysis.sampling_density import sampling_density
from tuning_playbook.analysis.trial_values import value_columns
from tuning_playbook.dataset.searched import Searched, read_searched
from tuning_playbook.study.thresholds import DEFAULTS, UnequalTuning

ADVICE = (
    "An arm that was tuned better has an advantage that is not its own. Give the arms that lack "
    "them more trials, or a space without the infeasible part, and correct their ranges, before "
    "comparing the arms."
)


def unequal_tuning(
    study: xr.Dataset,
    thresholds: UnequalTuning = DEFAULTS.unequal_tuning,
    *,
    found: Sequence[Finding] | None = None,
) -> Finding:
    """Tell whether some arms were tuned better than others.

    A warning where an arm has at least `ratio` times as many feasible trials as another, each
    measured by the share of the trials that a joint design deals it: one under a condition gets
    fewer, because it is each value of a scientific hyperparameter that gets as many as the others
    of its kind. Such arms are fairly compared with those beside them, and so are the values above
    them.

    Also a warning where the best trials of some arms but not of all cluster at an edge of a range
    (`boundary`); where they stand alone in some but not in all (`sampling_density`); and where an
    arm has at least `dimensions` times as many feasible trials for each searched hyperparameter as
    another: more hyperparameters are searched more thinly by the same number of trials. The numbers
    also hold how many feasible trials come to one side of that space, n^(1/d).

    With equal budgets of 16 trials, no effect and one trial in five infeasible at random at most
    5 % of studies are warned about. An arm that loses two trials in three is found nine times in
    ten.

    Source: playbook, "Striking a balance between informative and affordable experiments":
    nuisance hyperparameters are tuned so that scientific ones are compared fairly.

    Args:
        study: The study.
        thresholds: Of this check.
        found: The findings of `boundary` and `sampling_density`, among others; they are asked
            again where they are not given.
    """
    arms = arm_names(study)
    given = {finding.check: finding for finding in found or ()}
    edges = given.get("boundary") or boundary(study)
    density = given.get("sampling_density") or sampling_density(study)
    searched = read_searched(study)
    shares = np.atleast_1d(study.attrs.get("arm_shares", np.ones(len(arms))))
    rows: list[dict[str, Any]] = []
    for arm, share in zip(arms, shares, strict=True):
        hyperparameters = _at_once(study, [item for item in searched if arm in item.arms], arm)
        feasible = len(ranked(study, arm))
        rows.append(
            {
                "arm": arm,
                "trials": len(members(study, arm)),
                "feasible": feasible,
                "share": float(share),
                "hyperparameters": hyperparameters,
                "trials_per_hyperparameter": feasible / max(1, hyperparameters),
                "trials_per_side": feasible ** (1 / max(1, hyperparameters)),
                "at_boundary": sorted(
                    row["hyperparameter"]
                    for row in edges.numbers["hyperparameters"]
                    if row["arm"] == arm and row["at_boundary"]
                ),
                "stands_alone": any(
                    row["alone"] for row in density.numbers["arms"] if row["arm"] == arm
                ),
            }
        )
    budgets = _unequal_budgets(rows, thresholds.ratio)
    thin = [] if budgets else _thinly_searched(rows, thresholds.dimensions)
    at_edge = _some_but_not_all("at_boundary", rows)
    alone = _some_but_not_all("stands_alone", rows)
    edges_told = [
        {"hyperparameter": name, "arm": row["arm"]}
        for row in at_edge
        for name in row["at_boundary"]
    ]
    finding = partial(
        Finding,
        check="unequal_tuning",
        question="Were all arms tuned equally well?",
        numbers={"ratio": thresholds.ratio, "arms": rows},
        section="Striking a balance between informative and affordable experiments",
        hyperparameters=concerned(study, edges_told),
        arms=arms_in(study, [*budgets, *thin, *at_edge, *alone] or rows),
    )
    if len(arms) < 2:
        return finding(answer="ok", summary="There is one arm, so there is nothing to compare.")
    sentences = _sentences([*budgets, *thin], at_edge, alone)
    if sentences:
        return finding(answer="warning", summary=" ".join(sentences), advice=ADVICE)
    counts = [row["feasible"] for row in rows]
    if not any(counts):
        return finding(answer="cannot tell", summary="No trial is feasible.")
    return finding(
        answer="ok",
        summary=(
            f"The arms have {_span(counts)} feasible trials, "
            f"{_span([round(row['trials_per_hyperparameter'], 1) for row in rows])} for each "
            "searched hyperparameter, and none has a trouble of its own with a range or with the "
            "density of its trials."
        ),
    )


def _at_once(study: xr.Dataset, searched: Sequence[Searched], arm: str) -> int:
    """Return how many of the searched hyperparameters of an arm a trial has, at most."""
    if not any(item.when for item in searched):
        return len(searched)
    columns = value_columns(study)
    return max(
        sum(plain(columns[item.name][trial]) is not None for item in searched)
        for trial in members(study, arm)
    )


def _span(counts: Sequence[float]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:g} to {high:g}" if low < high else f"{low:g}"


def _unequal_budgets(rows: Sequence[dict[str, Any]], ratio: float) -> list[dict[str, Any]]:
    """Return the arm with the most feasible trials for its share and that with the fewest.

    Nothing where the two are less than `ratio` apart.
    """

    def by_share(row: dict[str, Any]) -> float:
        return float(row["feasible"] / row["share"])

    least, most = min(rows, key=by_share), max(rows, key=by_share)
    apart = most["feasible"] > 1 and by_share(most) >= ratio * by_share(least)
    return [most, least] if apart else []


def _thinly_searched(rows: Sequence[dict[str, Any]], ratio: float) -> list[dict[str, Any]]:
    """Return the arm with the most feasible trials for each hyperparameter, and the fewest.

    Nothing where the two are less than `ratio` apart, or one of them searches nothing.
    """

    def density(row: dict[str, Any]) -> float:
        return float(row["trials_per_hyperparameter"] / row["share"])

    least, most = min(rows, key=density), max(rows, key=density)
    searched = all(row["hyperparameters"] and row["feasible"] > 1 for row in (least, most))
    return [most, least] if searched and density(most) >= ratio * density(least) else []


def _some_but_not_all(trouble: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the arms that have a trouble, unless all have it and so are equal in it."""
    having = [row for row in rows if row[trouble]]
    return having if len(having) < len(rows) else []


def _tuned(row: dict[str, Any]) -> str:
    """Say how well an arm was tuned."""
    many = "" if row["hyperparameters"] == 1 else "s"
    return (
        f"{row['arm']} has {row['feasible']} feasible trials over {row['hyperparameters']} "
        f"hyperparameter{many}"
    )


def _sentences(
    budgets: Sequence[dict[str, Any]],
    at_edge: Sequence[dict[str, Any]],
    alone: Sequence[dict[str, Any]],
) -> list[str]:
    sentences = []
    if budgets:
        most, least = budgets
        sentences.append(f"{_tuned(most)} and {_tuned(least)}.")
    sentences += [
        f"The best trials of {row['arm']} cluster at an edge of "
        f"{', '.join(row['at_boundary'])}; those of other arms do not."
        for row in at_edge
    ]
    if alone:
        arms = ", ".join(row["arm"] for row in alone)
        sentences.append(f"The best trial is isolated in {arms}; not in other arms.")
    return sentences
