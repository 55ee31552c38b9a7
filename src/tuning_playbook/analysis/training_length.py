"""How long to train: the steps at which retrospective checkpoint selection found the best."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.quantiles import binomial_tail
from tuning_playbook.analysis.ranking import (
    arms_of,
    collapsed,
    last_steps,
    ranked,
    trial_ids,
)
from tuning_playbook.study.thresholds import DEFAULTS, BestSteps

SIGNIFICANCE = 0.02
"""Of so many late, or early, best steps if each were late, or early, with probability one half."""

LONGER = 2
"""Where longer training may help, twice as many steps are proposed: enough to see whether it does,
and the playbook's rounds of growing length are of that kind."""

ENOUGH = 2
"""Where training is far too long, twice the latest of the early best steps is proposed: room for
the schedule's decay to be tuned to it."""


def best_steps(study: xr.Dataset, thresholds: BestSteps = DEFAULTS.best_steps) -> Finding:
    """Tell from the steps at which trials reached their objective whether to train longer.

    A warning where at least the share `consistent` of the feasible trials reached it in the `last`
    part of training (then longer training may help), or in its `first` part (then the maximum is
    way too high), and so many would have a chance of at most 0.02 if each did with probability one
    half. Each trial is measured by its own length. The numbers hold a `max_train_steps` to try
    next: twice as many, or twice the latest of the early best steps. A trial that collapsed is left
    out: it needs stability, and not fewer steps.

    Where training is flat in its second half, so that noise alone decides the best step within
    it, at most 2 % of studies are warned about; where every trial's best step lies in the last
    quarter, or in the first tenth, all studies of six trials or more are.

    Source: playbook, "Deciding how long to train when training is not compute-bound".
    """
    trials = ranked(study)
    feasible = len(trials)
    trials = trials[~collapsed(study)[trials]]
    steps = study["best_step"].values[trials]
    fractions = steps / last_steps(study)[trials].astype(float)
    in_last = fractions > 1 - thresholds.last
    in_first = fractions <= thresholds.first
    longest = int(study.attrs["max_train_steps"])
    proposed = None
    if is_consistent(int(in_last.sum()), len(trials), thresholds.consistent):
        proposed = LONGER * longest
    elif is_consistent(int(in_first.sum()), len(trials), thresholds.consistent):
        every = int(study.attrs.get("eval_every", 1))
        proposed = max(1, -(-ENOUGH * int(steps[in_first].max()) // every)) * every
    numbers = {
        "max_train_steps": longest,
        "feasible": len(trials),
        "collapsed": feasible - len(trials),
        "in_last_part": int(in_last.sum()),
        "in_first_part": int(in_first.sum()),
        "median_fraction": float(np.median(fractions)) if len(trials) else None,
        "proposed_max_train_steps": proposed,
    }
    finding = partial(
        Finding,
        check="best_steps",
        question="At which step did retrospective checkpoint selection find the best?",
        numbers=numbers,
        section="Deciding how long to train when training is not compute-bound",
    )
    if not len(trials):
        none = "Every feasible trial collapses." if feasible else "No trial is feasible."
        return finding(answer="cannot tell", summary=none)
    finding = partial(finding, summary=_counted(numbers, thresholds))
    if proposed is None:
        return finding(answer="ok", arms=arms_of(study, trials))
    told = trials[in_last if proposed > longest else in_first]
    return finding(
        answer="warning",
        trials=trial_ids(study, told),
        arms=arms_of(study, told),
        advice=_advice(proposed, longer=proposed > longest),
    )


def is_consistent(trials: int, feasible: int, share: float) -> bool:
    """Tell whether so many of the feasible trials are a pattern, and no accident."""
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
    return f" (without {numbers['collapsed']} that collapse)" if numbers["collapsed"] else ""


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
