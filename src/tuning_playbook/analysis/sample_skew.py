"""Does the validation sample of the periodic evaluations stand for the whole split?"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding, arms_in
from tuning_playbook.analysis.numbers import text
from tuning_playbook.analysis.ranking import (
    arm_names,
    best_trials,
    metric_direction,
    metric_losses,
    objective_metric,
    objective_split,
    ranked,
    trial_id,
)
from tuning_playbook.study.thresholds import DEFAULTS, SampleSkew

ADVICE = (
    "Evaluate on a larger sample, or on the whole split, and see how the sample is drawn: the "
    "trials are ranked by examples that are not like the rest."
)


def sample_skew(study: xr.Dataset, thresholds: SampleSkew = DEFAULTS.sample_skew) -> Finding:
    """Compare the objective on the validation sample with that on the whole validation split.

    Both are those of a trial at its best step. The sample is the same for all trials, so its skew
    is what they have in common: the median over the feasible trials of the difference, in standard
    errors of the mean over a random sample of that size. Beyond `standard_errors` it is a warning.

    A random sample is warned about in less than 5 % of studies. One whose examples are harder or
    easier by six standard errors is found nine times in ten.

    Source: playbook, "Choosing a sample for periodic evaluation".
    """
    finding = partial(
        Finding,
        check="sample_skew",
        question="Does the validation sample represent the whole validation split?",
        section="Choosing a sample for periodic evaluation",
    )
    metric = objective_metric(study)
    if not len(ranked(study)):
        return finding(answer="cannot tell", summary="No trial is feasible.")
    if study.attrs.get("engine") == "command":
        return finding(
            answer="cannot tell",
            summary="On which examples a command evaluates, it alone knows.",
        )
    if f"whole_{metric}" not in study or objective_split(study) != "validation":
        return finding(
            answer="ok",
            summary="The objective was measured on the whole split.",
            arms=arm_names(study),
        )
    sign = metric_direction(study)
    whole = sign * study[f"whole_{metric}"].values
    error = study[f"sample_error_{metric}"].values
    difference = metric_losses(study) - whole
    known = [trial for trial in ranked(study) if np.isfinite(difference[trial] + error[trial])]
    if not known:
        summary = "No trial was measured on the whole split."
        if np.isfinite(difference[ranked(study)]).any():
            summary = (
                "The objective is no mean over examples, so it is not known how far a random "
                "sample would be off."
            )
        return finding(answer="cannot tell", summary=summary)
    skew, spread = float(np.median(difference[known])), float(np.median(error[known]))
    bests = {arm: trial for arm, trial in best_trials(study).items() if trial in known}
    rows: list[dict[str, Any]] = [
        {
            "arm": arm,
            "trial": trial_id(study, trial),
            "sample": float(sign * metric_losses(study)[trial]),
            "whole": float(sign * whole[trial]),
        }
        for arm, trial in bests.items()
    ]
    numbers = {"skew": sign * skew, "standard_error": spread, "arms": rows}
    finding = partial(
        finding,
        summary=_summary(numbers, sign),
        numbers=numbers,
        arms=arms_in(study, rows),
    )
    if abs(skew) <= thresholds.standard_errors * spread:
        return finding(answer="ok")
    return finding(answer="warning", advice=ADVICE)


def _summary(numbers: Mapping[str, Any], sign: float) -> str:
    """Say how far the sample is off, and whether it changes which arm is the best.

    Args:
        numbers: Of the finding.
        sign: 1 where a smaller objective is better, -1 where a larger one is.
    """
    sentence = (
        f"The sample is off by {text(numbers['skew'])} in the median trial; a random one has a "
        f"standard error of {text(numbers['standard_error'])}."
    )
    rows = numbers["arms"]
    if len(rows) > 1:
        on_sample, on_whole = (
            min(rows, key=lambda row: sign * row[where])["arm"] for where in ("sample", "whole")
        )
        if on_sample != on_whole:
            sentence += f" {on_sample} is best on the sample, {on_whole} on the whole split."
    return sentence
