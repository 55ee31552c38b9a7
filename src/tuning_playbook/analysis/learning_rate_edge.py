"""Is the best learning rate at the edge of stability? Then fixing the instability may pay."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.breakdown import broken_down, start_is_known
from tuning_playbook.analysis.clustering import clustering, nearness
from tuning_playbook.analysis.findings import Finding, arms_in, concerned
from tuning_playbook.analysis.numbers import plain, text
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    collapsed,
    losses,
    members,
    ranked,
    trial_id,
)
from tuning_playbook.analysis.sampling_scale import sampling_scale, values_where_searched
from tuning_playbook.dataset.searched import Searched, read_searched
from tuning_playbook.declarations import spec_name
from tuning_playbook.study.needs import LEARNING_RATE
from tuning_playbook.study.thresholds import DEFAULTS, LearningRateEdge

MOMENTUM = "hp_momentum"

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

    A trial breaks down that is infeasible, gains less than a tenth of what the best trial of its
    arm gained from the start, sits at chance (`broken_down`), or collapses. The edge is a learning
    rate that parts those trials from the others with the fewest on the wrong side: at least two
    trials above it, and three in four, must have broken down. Where the momentum varies too, it is
    the effective learning rate, the rate over 1 - momentum, if that parts them better. The best
    trials lie at the edge when they cluster there as `boundary` has it, within the range that ends
    at the edge: the best in its outer part or among the four nearest, the top ones nearer on
    average than chance explains. The p-value, times the number of arms, must be at most
    `significance`; then it is a warning. So it is where the best trial itself lies beyond the edge,
    and collapsed.

    Where the learning rate has no effect until training breaks down, at most 3 % of studies are
    warned about. With 16 trials in each of two arms, of which those in the upper quarter of the
    range break down, an objective that improves up to that edge by eight times the standard
    deviation of everything else is found nine times in ten.

    Source: playbook, "How can optimization failures be debugged and mitigated?", figure 7.
    """
    searched = [
        item for item in read_searched(study) if LEARNING_RATE.fullmatch(spec_name(item.name))
    ]
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
    flagged = [row for row in rows if row["at_the_edge"] or row["beyond"]]
    told = flagged or rows
    finding = partial(
        Finding,
        check="learning_rate_edge",
        question="Is the best learning rate at the edge of stability?",
        numbers={"significance": thresholds.significance, "arms": rows},
        section="How can optimization failures be debugged and mitigated?",
        hyperparameters=concerned(study, told),
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
    if not start_is_known(study) and not any(row["unstable_above"] for row in rows):
        return finding(
            answer="cannot tell",
            summary=(
                "No trial was evaluated before its first step, so which hardly trained is not "
                "known, and none above the largest learning rate that trains is infeasible."
            ),
        )
    return finding(answer="ok", summary=_none_at_the_edge(rows))


@dataclass(frozen=True)
class _Rate:
    """A learning rate that training may break down above.

    Attributes:
        name: What it is called in sentences.
        values: Of each trial: [trial]; NaN where it has none.
        positions: Where they lie, the lowest at 0 or above and the highest at 1 or below: [trial].
    """

    name: str
    values: Floats
    positions: Floats


def _rates(study: xr.Dataset, item: Searched, arm: str) -> Iterator[_Rate]:
    """Yield the learning rate of an arm, then the effective one where the momentum varies.

    With momentum m a rate moves the weights 1 / (1 - m) times as far in the end, so what is stable
    depends on both. Source: C. J. Shallue and others, "Measuring the effects of data parallelism on
    neural network training", 2019, section 4.
    """
    scale = sampling_scale(study, item)
    if scale is None:
        return
    places = scale.position(values_where_searched(study, item))
    values = study[item.variable].values.astype(float)
    yield _Rate(item.name, values, places)
    if spec_name(item.name) != "learning_rate" or MOMENTUM not in study:
        return
    if study[MOMENTUM].dtype.kind not in "fiu":  # a switch, or the name of a kind
        return
    left = 1.0 - study[MOMENTUM].values.astype(float)
    trials = members(study, arm)
    trials = trials[np.isfinite(places[trials])]
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(values / left)
    own = logarithms[trials]
    if len(own) and np.isfinite(own).all() and np.ptp(left[trials]) > 0 and np.ptp(own) > 0:
        spread = (logarithms - own.min()) / np.ptp(own)
        yield _Rate(f"{item.name} / (1 - momentum)", values / left, spread)


def _row(study: xr.Dataset, item: Searched, arm: str) -> dict[str, Any] | None:
    """Return the numbers of one arm; None where no edge can be looked for."""
    everyone = members(study, arm)
    unstable = np.zeros(study.sizes["trial"], dtype=bool)
    unstable[everyone] = broken_down(study, arm) | collapsed(study)[everyone]
    rates = list(_rates(study, item, arm))
    if not rates:
        return None
    positions = rates[0].positions
    everyone = everyone[np.isfinite(positions[everyone])]
    order = ranked(study, arm)
    order = order[np.isfinite(positions[order])]
    if not len(order):
        return None
    # A lucky trial among many that break down is no stable region.
    edges = [stability_edge(rate.positions[everyone], unstable[everyone]) for rate in rates]
    wrong = [
        _on_the_wrong_side(edge, rate.positions[everyone], unstable[everyone])
        for edge, rate in zip(edges, rates, strict=True)
    ]
    sharpest = int(np.argmin(wrong))
    rate, edge = rates[sharpest], edges[sharpest]
    positions, values = rate.positions, rate.values
    stable = order[~unstable[order]]
    stable = stable[positions[stable] <= edge]
    if not len(stable):
        return None
    # Of equally good trials the farthest from the edge counts first: one inside is enough.
    loss = losses(study)
    stable = stable[np.lexsort((positions[stable], loss[stable]))]
    above = everyone[positions[everyone] > edge]
    broken = int(unstable[above].sum())
    telling = broken >= LEAST_UNSTABLE
    judged = telling and loss[stable[0]] == loss[order[0]]
    return {
        "hyperparameter": item.name,
        "rate": rate.name,
        "arm": arm,
        "trial": trial_id(study, int(order[0])),
        "best": plain(values[order[0]]),
        "edge": plain(values[stable[np.argmax(positions[stable])]]),
        "above": len(above),
        "unstable_above": broken,
        "p_value": clustering_below(edge, positions[stable], loss[stable]) if judged else None,
        "at_the_edge": False,
        "beyond": bool(telling and unstable[order[0]] and positions[order[0]] > edge),
    }


def stability_edge(positions: Floats, unstable: NDArray[np.bool_]) -> float:
    """Return the position of a stable trial that parts the stable ones from the unstable ones.

    The trials below it that are unstable and those above it that are stable are as few as can be;
    of those above it most are unstable.

    Args:
        positions: Of an arm's trials: [trial].
        unstable: Which of them broke down: [trial].

    Returns:
        The largest position of a stable trial where there is no such edge; minus infinity where no
        trial is stable.
    """
    candidates = np.unique(positions[~unstable])
    if not len(candidates):
        return -np.inf
    least, found = len(positions) + 1, float(candidates[-1])
    for edge in candidates:
        above = positions > edge
        wrong = _on_the_wrong_side(edge, positions, unstable)
        telling = above.sum() >= LEAST_UNSTABLE and unstable[above].mean() >= MOSTLY
        if telling and wrong < least:
            least, found = wrong, float(edge)
    return found


def _on_the_wrong_side(edge: float, positions: Floats, unstable: NDArray[np.bool_]) -> int:
    above = positions > edge
    return int((unstable & ~above).sum() + (~unstable & above).sum())


def clustering_below(edge: float, positions: Floats, loss: Floats) -> float:
    """Return the chance of top trials that cluster so right below an edge.

    Args:
        edge: Its position.
        positions: Of the trials up to it, the best first: [trial].
        loss: Of the same trials, smaller being better: [trial].
    """
    low = min(0.0, float(positions.min()))
    distances = (edge - positions) / max(edge - low, 1e-9)
    outer = nearness(distances, DEFAULTS.boundary.outer)
    return clustering(distances, loss, outer=outer)


def _at_the_edge(row: Mapping[str, Any]) -> str:
    if row["beyond"]:
        return (
            f"The best trial of {row['arm']} has {row['rate']} = {text(row['best'])}, "
            f"beyond {text(row['edge'])}, above which {row['unstable_above']} of {row['above']} "
            "trials break down, itself included: its objective is from before."
        )
    return (
        f"The best values of {row['rate']} in {row['arm']} (the best is "
        f"{text(row['best'])}) lie right below {text(row['edge'])}, above which "
        f"{row['unstable_above']} of {row['above']} trials break down (p = {row['p_value']:.2g})."
    )


def _none_at_the_edge(rows: Sequence[Mapping[str, Any]]) -> str:
    edges = [row for row in rows if row["unstable_above"] >= LEAST_UNSTABLE]
    sentences = [
        "In no arm do the best learning rates cluster right below those at which training breaks "
        "down."
        if edges
        else "In no arm does training break down at the largest learning rates."
    ]
    sentences += [
        f"In {row['arm']} {row['unstable_above']} of {row['above']} trials break down above "
        f"{row['rate']} = {text(row['edge'])}; the best is {text(row['best'])}."
        for row in edges
    ]
    return " ".join(sentences)
