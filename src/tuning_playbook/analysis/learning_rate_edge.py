"""Is the best learning rate at the edge of stability? Then fixing the instability may pay."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.clustering import clustering
from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import plain, text
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    curves,
    losses,
    members,
    objective_split,
    ranked,
    trial_id,
)
from tuning_playbook.analysis.sampling_scale import sampling_scale, values_where_searched
from tuning_playbook.dataset.searched import Searched, read_searched
from tuning_playbook.study.thresholds import DEFAULTS, LearningRateEdge

NAME = "learning_rate"

LEAST_GAIN = 0.1
"""A trial that gained less than this share of what the best of its arm gained from the start did
not train: the playbook's "uncharacteristically high values of the loss"."""

LEAST_UNSTABLE = 2
"""A single trial that breaks down may have another cause than its learning rate."""

MOSTLY = 0.75
"""So large a share of the trials above the edge break down."""

ADVICE = (
    "Check by training at 5 and 10 times the best learning rate: a loss that rises suddenly after "
    "a steady fall is an instability, and fixing it is likely to give better training. Try "
    "learning rate warmup (for early instability), gradient clipping (see the gradient norms), or "
    "a normalization of the layers."
)


def learning_rate_edge(
    study: xr.Dataset, thresholds: LearningRateEdge = DEFAULTS.learning_rate_edge
) -> Finding:
    """Tell whether an arm's best learning rates lie right below where training breaks down.

    A trial breaks down that is infeasible, or gains less than a tenth of what the best trial of its
    arm gained from the start. The edge is the largest learning rate of the other trials: at least
    two trials above it, and three in four, must have broken down. The best trials lie at the edge
    when they cluster there as `boundary` has it, within the range that ends at the edge: the best
    in its outer part, the top ones nearer on average than chance explains. The p-value, times the
    number of arms, must be at most `significance`; then it is a warning.

    Where the learning rate has no effect until training breaks down, at most 2 % of studies are
    warned about. With 16 trials in each of two arms, of which those in the upper quarter of the
    range break down, an objective that improves up to that edge by eight times the standard
    deviation of everything else is found nine times in ten.

    Source: playbook, "How can optimization failures be debugged and mitigated?", figure 7.
    """
    searched = [item for item in read_searched(study) if item.name == NAME]
    rows = [
        row
        for item in searched
        for arm in arm_names(study)
        if arm in item.arms and (row := _row(study, item, arm)) is not None
    ]
    for row in rows:
        if row["p_value"] is not None:
            row["p_value"] = min(1.0, row["p_value"] * len(rows))
            row["at_the_edge"] = row["p_value"] <= thresholds.significance
    flagged = [row for row in rows if row["at_the_edge"]]
    told = flagged or rows
    finding = partial(
        Finding,
        check="learning_rate_edge",
        question="Is the best learning rate at the edge of stability?",
        numbers={"significance": thresholds.significance, "arms": rows},
        section="How can optimization failures be debugged and mitigated?",
        hyperparameters=concerned(study, [row | {"hyperparameter": NAME} for row in told]),
        arms=arms_in(study, told),
    )
    if flagged:
        return finding(
            answer="warning",
            summary=" ".join(_at_the_edge(row) for row in flagged),
            trials=tuple(row["trial"] for row in flagged),
            advice=ADVICE,
        )
    if not searched:
        return finding(answer="cannot tell", summary="The learning rate was not searched.")
    if not rows:
        return finding(
            answer="cannot tell",
            summary="No arm has feasible trials over a range of learning rates.",
        )
    return finding(answer="ok", summary=_none_at_the_edge(rows))


def _row(study: xr.Dataset, item: Searched, arm: str) -> dict[str, Any] | None:
    """Return the numbers of one arm; None where no edge can be looked for."""
    scale = sampling_scale(study, item)
    order = ranked(study, arm)
    if scale is None or not len(order):
        return None
    positions = scale.position(values_where_searched(study, item))
    everyone = members(study, arm)
    start = curves(study, objective_split(study))[everyone, 0]
    unstable = broken_down(losses(study), start, int(order[0]))
    everyone = everyone[np.isfinite(positions[everyone])]
    # A lucky trial among many that break down is no stable region.
    edge = stability_edge(positions[everyone], unstable[everyone])
    stable = order[~unstable[order]]
    stable = stable[positions[stable] <= edge]
    if not len(stable):
        return None
    above = everyone[positions[everyone] > edge]
    broken = int(unstable[above].sum())
    values = study[item.variable].values
    judged = broken >= LEAST_UNSTABLE and stable[0] == order[0]
    return {
        "arm": arm,
        "trial": trial_id(study, int(order[0])),
        "best": plain(values[order[0]]),
        "edge": plain(values[stable[np.argmax(positions[stable])]]),
        "above": len(above),
        "unstable_above": broken,
        "p_value": clustering_below(edge, positions[stable]) if judged else None,
        "at_the_edge": False,
    }


def broken_down(loss: Floats, start: Floats, best: int) -> NDArray[np.bool_]:
    """Return which trials broke down; only the infeasible ones where no start is known.

    Args:
        loss: Of each trial, NaN where it is infeasible: [trial].
        start: Of trials before training, NaN where it is not known: [n].
        best: The place in `loss` of the best trial to compare with.

    Returns:
        [trial]
    """
    start = start[np.isfinite(start)]
    if not len(start):
        return np.isnan(loss)
    gained = np.median(start) - loss
    with np.errstate(invalid="ignore"):
        return np.asarray(~(gained >= LEAST_GAIN * gained[best]))


def stability_edge(positions: Floats, unstable: NDArray[np.bool_]) -> float:
    """Return the largest position of a stable trial above which most trials are unstable.

    Args:
        positions: Of an arm's trials: [trial].
        unstable: Which of them broke down: [trial].

    Returns:
        The largest position of a stable trial where there is no such edge; minus infinity where no
        trial is stable.
    """
    candidates = np.sort(positions[~unstable])
    for edge in candidates[::-1]:
        above = positions > edge
        if above.sum() >= LEAST_UNSTABLE and unstable[above].mean() >= MOSTLY:
            return float(edge)
    return float(candidates[-1]) if len(candidates) else -np.inf


def clustering_below(edge: float, positions: Floats) -> float:
    """Return the chance of top trials that cluster so right below an edge.

    Args:
        edge: Its position.
        positions: Of the trials up to it, the best first: [trial].
    """
    low = min(0.0, float(positions.min()))
    distances = (edge - positions) / max(edge - low, 1e-9)
    return clustering(distances, outer=DEFAULTS.boundary.outer)


def _at_the_edge(row: Mapping[str, Any]) -> str:
    return (
        f"The best values of {NAME} in {row['arm']} (the best is {text(row['best'])}) lie right "
        f"below {text(row['edge'])}, above which {row['unstable_above']} of {row['above']} trials "
        f"break down (p = {row['p_value']:.2g})."
    )


def _none_at_the_edge(rows: Sequence[Mapping[str, Any]]) -> str:
    broken = sum(row["unstable_above"] for row in rows)
    return (
        "In no arm do the best learning rates cluster right below those at which training "
        f"breaks down; {broken} trials do above the largest that trains."
    )
