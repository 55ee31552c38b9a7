"""Which trials were good and suddenly were not? That is an instability, and no overfitting."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import (
    arm_names,
    arms_of,
    best_trials,
    best_value_steps,
    collapsed,
    curves,
    members,
    metric_direction,
    metric_losses,
    objective_metric,
    objective_split,
    ranked,
    trial_id,
    trial_ids,
)
from tuning_playbook.dataset.collapse_step import find_collapse, find_recoveries
from tuning_playbook.study.needs import COLLAPSE_EVALUATIONS
from tuning_playbook.study.thresholds import DEFAULTS
from tuning_playbook.study.thresholds import Collapse as Thresholds

LEAST_MANY = 3
"""Fewer trials than this are not many, whatever share of a small arm they are."""

ADVICE = (
    "This is an instability of training. Lower the learning rate or the momentum, or try learning "
    "rate warmup, gradient clipping (see the gradient norms), or a normalization of the layers. "
    "Regularization does not help against it. The objective and the checkpoint are those of the "
    "best step, before the collapse; fewer steps would only hide it."
)


def collapse(study: xr.Dataset, thresholds: Thresholds = DEFAULTS.collapse) -> Finding:
    """Find trials that were good and then were not, for the rest of training.

    `dataset.collapse_step` says what a collapse is, and `collapse_step` in `study.nc` which trials
    collapsed, and when. It comes in a jump or in a slow rise, and the metric on the training data
    worsens with it; a trial that goes on improving there overfits. A trial that came back from such
    a loss recovered; it did not collapse.

    A problem where the best trial of an arm collapsed. A warning where the share `many` of an arm's
    feasible trials did, three at least.

    Without a collapse none of 100 studies is warned about, and where all trials of an arm lose half
    of their gain in a jump, or three quarters in a slow rise, all of them are.

    Source: playbook, "How can optimization failures be debugged and mitigated?".
    """
    lost = collapsed(study)
    feasible = ranked(study)
    rows = [_row(study, int(trial)) for trial in feasible[lost[feasible]]]
    recovered = [
        int(trial)
        for trial in feasible
        if find_recoveries(curves(study, objective_split(study))[trial])
    ]
    bests = [trial for trial in best_trials(study).values() if lost[trial]]
    arms = [_share(study, arm, lost, thresholds.many) for arm in arm_names(study)]
    finding = partial(
        Finding,
        check="collapse",
        question="Does a trial that was good suddenly get worse, and stay so?",
        numbers={
            "feasible": len(feasible),
            "collapsed": len(rows),
            "trials": rows,
            "arms": arms,
            "recovered": list(trial_ids(study, np.array(recovered, np.int64))),
        },
        trials=tuple(row["trial"] for row in rows),
        section="How can optimization failures be debugged and mitigated?",
        arms=arms_in(study, rows) or arm_names(study),
    )
    count = f"{len(rows)} of {len(feasible)} feasible trials collapse"
    if recovered:
        count += f"; {len(recovered)} lost much of the gain and recovered"
    if bests:
        named = [row for row in rows if row["trial"] in trial_ids(study, np.array(bests))]
        return finding(
            answer="problem",
            summary=f"{' '.join(map(_collapses, named))} In all {count}.",
            arms=arms_of(study, np.array(bests)),
            advice=ADVICE,
        )
    many = [row for row in arms if row["many"]]
    if many:
        return finding(
            answer="warning",
            summary=f"{_shares(many)} collapse{_kinds(rows)}. No arm's best trial does.",
            arms=tuple(row["arm"] for row in many),
            advice=ADVICE,
        )
    if not len(feasible):
        return finding(answer="cannot tell", summary="No trial is feasible.")
    evaluations = np.isfinite(curves(study, objective_split(study))).sum(axis=1).max()
    if evaluations < COLLAPSE_EVALUATIONS:
        return finding(
            answer="cannot tell",
            summary=f"{evaluations} evaluations are too few to see a collapse in them.",
            advice="Evaluate more often.",
        )
    return finding(answer="ok", summary=f"{count}.")


def _row(study: xr.Dataset, trial: int) -> dict[str, Any]:
    step = float(study["collapse_step"].values[trial])
    row: dict[str, Any] = {
        "trial": trial_id(study, trial),
        "arm": str(study["arm"].values[trial]),
        "collapse_step": int(step),
        "best_step": int(best_value_steps(study)[trial]),
        "metric": f"{objective_split(study)}/{objective_metric(study)}",
        "kind": None,
        "before": float(metric_direction(study) * metric_losses(study)[trial]),
        "after": None,
    }
    validation, train = (curves(study, s)[trial] for s in (objective_split(study), "train"))
    found = find_collapse(validation, train)
    # Imported trials are judged at their own steps, which the shared ones may not show.
    if found is not None:
        sign = metric_direction(study)
        row |= {
            "kind": found.kind,
            "before": sign * found.before,
            "after": sign * found.after,
        }
    return row


def _share(study: xr.Dataset, arm: str, lost: Any, many: float) -> dict[str, Any]:
    feasible = ranked(study, arm)
    count = int(lost[feasible].sum())
    return {
        "arm": arm,
        "trials": len(members(study, arm)),
        "feasible": len(feasible),
        "collapsed": count,
        "many": count >= LEAST_MANY and count >= many * len(feasible),
    }


def _collapses(row: Mapping[str, Any]) -> str:
    how = {"jump": "in a jump", "slow rise": "slowly"}.get(row["kind"] or "", "")
    levels = f"{row['metric']} goes from {text(row['before'])}"
    if row["after"] is not None:
        levels += f" to {text(row['after'])}"
    return (
        f"The best trial of {row['arm']} ({row['trial']}) collapses at step "
        f"{row['collapse_step']}: {levels}{how and ', '}{how}, and does not come back."
    )


def _shares(rows: Sequence[Mapping[str, Any]]) -> str:
    shares = [
        f"{row['collapsed']} of {row['feasible']} feasible trials of {row['arm']}" for row in rows
    ]
    return " and ".join(shares)


def _kinds(rows: Sequence[Mapping[str, Any]]) -> str:
    jumps = sum(row["kind"] == "jump" for row in rows)
    slow = sum(row["kind"] == "slow rise" for row in rows)
    told = [f"{jumps} in a jump"] * (jumps > 0) + [f"{slow} slowly"] * (slow > 0)
    return f" ({', '.join(told)})" if told else ""
