"""How long to train: the steps at which retrospective checkpoint selection found the best."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.quantiles import binomial_tail
from tuning_playbook.analysis.ranking import (
    Floats,
    arm_names,
    arms_of,
    best_value_steps,
    collapsed,
    curves,
    eval_fractions,
    last_steps,
    late,
    objective_split,
    ranked,
    trial_ids,
)
from tuning_playbook.analysis.target_reached import ADVICE as REACH_ADVICE
from tuning_playbook.analysis.target_reached import in_words, target_reached, unreached_arms
from tuning_playbook.analysis.trend import starts_early, whole_gain
from tuning_playbook.study.needs import SECOND_HALF, best_step_can_be_told
from tuning_playbook.study.thresholds import DEFAULTS, BestSteps

SIGNIFICANCE = 0.02
"""Chance of this many late, or early, best steps, each being so with probability one half."""

LONGER = 2
"""Where longer training may help, twice as many steps are proposed: enough to see whether it does,
and the playbook's rounds of growing length are of that kind."""

ENOUGH = 2
"""Where training is far too long, twice the latest of the early best steps is proposed: room for
the schedule's decay to be tuned to it."""


def best_steps(study: xr.Dataset, thresholds: BestSteps = DEFAULTS.best_steps) -> Finding:
    """Tell from the steps at which trials reached their best value whether to train longer.

    A warning where at least the share `consistent` of the feasible trials reached it in the `last`
    part of training (then longer training may help), or in its `first` part (then the maximum is
    way too high), and as many would have a chance of at most 0.02 if each did with probability one
    half. Each trial is measured by its own length. The numbers hold a `max_train_steps` to try
    next: twice as many, or twice the latest of the early best steps. A trial that collapsed is left
    out: it needs stability, and not fewer steps. So is one that is evaluated in its last part more
    often than between that and the middle of its training: where it was best tells little then.
    One that was best before its first step did not train. A trial that saturated early does not
    count as best in its last part, though a smooth curve is best at its very end: less than 1 % of
    its gain came after a quarter of training.

    Where steps to a target rank the trials, it is also a warning where no feasible trial of an arm
    reaches the target.

    Where training is flat in its second half, so that noise alone decides the best step within
    it, at most 2 % of studies are warned about; where every trial's best step lies in the last
    quarter, or in the first tenth, all studies of six trials or more are.

    Source: playbook, "Deciding how long to train when training is not compute-bound".
    """
    trials = ranked(study)
    feasible = len(trials)
    trials = trials[~collapsed(study)[trials]]
    untrained = int((best_value_steps(study)[trials] == 0).sum())
    trials = trials[best_value_steps(study)[trials] != 0]
    told_apart = _often_enough(study, thresholds.last)[trials]
    seldom = int((~told_apart).sum())
    trials = trials[told_apart]
    steps = best_value_steps(study)[trials]
    fractions = steps / last_steps(study)[trials].astype(float)
    gains = gains_after(study, DEFAULTS.saturated_early.saturated_by)[trials]
    saturated = gains < DEFAULTS.saturated_early.nothing
    in_last = (fractions > 1 - thresholds.last) & ~saturated
    in_first = fractions <= thresholds.first
    longest = int(study.attrs["max_train_steps"])
    proposed = None
    if is_consistent(int(in_last.sum()), len(trials), thresholds.consistent):
        proposed = LONGER * longest
    elif is_consistent(int(in_first.sum()), len(trials), thresholds.consistent):
        every = int(study.attrs.get("eval_every", 1))
        proposed = max(1, -(-ENOUGH * int(steps[in_first].max()) // every)) * every
    numbers: dict[str, Any] = {
        "max_train_steps": longest,
        "feasible": len(trials),
        "collapsed": feasible - len(trials) - seldom - untrained,
        "best_untrained": untrained,
        "seldom_evaluated": seldom,
        "in_last_part": int(in_last.sum()),
        "saturated": int(saturated.sum()),
        "in_first_part": int(in_first.sum()),
        "median_fraction": float(np.median(fractions)) if len(trials) else None,
        "proposed_max_train_steps": proposed,
    }
    reached = target_reached(study)
    none = unreached_arms(reached)
    if reached:
        numbers["target_reached"] = reached
    finding = partial(
        Finding,
        check="best_steps",
        question="At which step did retrospective checkpoint selection find the best?",
        numbers=numbers,
        section="Deciding how long to train when training is not compute-bound",
    )
    if not len(trials):
        if seldom:
            return finding(
                answer="cannot tell",
                summary=(
                    f"{seldom} of {feasible} feasible trials are evaluated too seldom to tell "
                    "where in training they were best."
                ),
                advice="Evaluate more often.",
            )
        why = "No trial is feasible."
        if feasible:
            why = "Every feasible trial collapses, or is best before its first step."
        return finding(answer="cannot tell", summary=why)
    summary = f"{_counted(numbers, thresholds)} {in_words(reached)}".rstrip()
    finding = partial(finding, summary=summary)
    if proposed is None and none:
        return finding(
            answer="warning",
            arms=tuple(arm for arm in arm_names(study) if arm in none),
            advice=REACH_ADVICE,
        )
    if proposed is None:
        return finding(answer="ok", arms=arms_of(study, trials))
    told = trials[in_last if proposed > longest else in_first]
    return finding(
        answer="warning",
        trials=trial_ids(study, told),
        arms=arms_of(study, told),
        advice=" ".join(
            [_advice(proposed, longer=proposed > longest), *([REACH_ADVICE] if none else [])]
        ),
    )


def gains_after(study: xr.Dataset, since: float) -> Floats:
    """Return what share of its whole gain each trial made after a part of training.

    Returns:
        [trial]; NaN where nothing was gained, or the start of training is not known.
    """
    found = np.full(study.sizes["trial"], np.nan)
    fractions = eval_fractions(study)
    for trial, curve in enumerate(curves(study, objective_split(study))):
        early = np.isfinite(curve) & (fractions[trial] <= since)
        if early.any() and starts_early(curve, fractions[trial]) and whole_gain(curve) > 0:
            found[trial] = (curve[early].min() - np.nanmin(curve)) / whole_gain(curve)
    return found


def _often_enough(study: xr.Dataset, last: float) -> NDArray[np.bool_]:
    """Tell which trials are evaluated often enough before their last part: [trial]."""
    known = np.isfinite(curves(study, objective_split(study)))
    fractions = eval_fractions(study)
    in_last = (known & late(fractions, SECOND_HALF) & (fractions > 1 - last)).sum(axis=1)
    before = (known & late(fractions, SECOND_HALF) & (fractions <= 1 - last)).sum(axis=1)
    told = map(best_step_can_be_told, before.tolist(), in_last.tolist())
    return np.fromiter(told, bool, len(before))


def is_consistent(trials: int, feasible: int, share: float) -> bool:
    """Return whether this many of the feasible trials are a pattern, and no accident."""
    return (
        feasible > 0
        and trials >= share * feasible
        and binomial_tail(trials, feasible, 0.5) <= SIGNIFICANCE
    )


def _counted(numbers: Mapping[str, Any], thresholds: BestSteps) -> str:
    return (
        f"Of {numbers['feasible']} feasible trials{_apart(numbers)} {numbers['in_last_part']} are "
        f"best in the last {thresholds.last:.0%} of training and {numbers['in_first_part']} in its "
        f"first {thresholds.first:.0%}."
    )


def _apart(numbers: Mapping[str, Any]) -> str:
    told = [f"{numbers['collapsed']} that collapse"] * bool(numbers["collapsed"])
    if numbers["best_untrained"]:
        told.append(f"{numbers['best_untrained']} that are best before their first step")
    if numbers["seldom_evaluated"]:
        told.append(f"{numbers['seldom_evaluated']} that are evaluated too seldom")
    return f" (without {' and '.join(told)})" if told else ""


def _advice(proposed: int, *, longer: bool) -> str:
    if longer:
        return (
            f"Training longer, for {proposed} steps perhaps, with the decay schedule tuned again, "
            "might help. Keep one max_train_steps for all trials of a study."
        )
    return (
        f"max_train_steps is way too high, unless the trials overfit; {proposed} steps would do, "
        "and pay for more trials."
    )
