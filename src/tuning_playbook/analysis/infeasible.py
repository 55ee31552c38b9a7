"""What fraction of the trials in each arm is infeasible, and why."""

import re
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.ranking import Indices, arm_names, losses, members, strings, trial_id

LEAST_FEASIBLE = 3
"""With fewer feasible trials an arm was not searched: its best trial is the one that survived."""

VERY_LARGE = 0.5
"""More than half of an arm infeasible is the playbook's "very large fraction": most of the budget
went where nothing can be learnt."""

NEARLY_ALL = 0.9
"""So many infeasible trials of the whole study hint of a bug rather than of a bad corner."""

MOST_REASONS = 5
"""The commonest reasons are listed; a bug has few."""

ADVICE = (
    "Adjust the search space to avoid these points, which sometimes needs another "
    "parameterization; the axis plots show where they lie. Many infeasible trials can also mean a "
    "bug in the training code."
)
ADVICE_FOR_A_BUG = (
    "Nearly every trial is infeasible, which hints of a bug in the training code or the workload: "
    "read the reasons before searching on."
)


def infeasible(study: xr.Dataset) -> Finding:
    """Count the infeasible trials of each arm with their reasons.

    A problem where an arm cannot be compared: none of its trials is feasible, or fewer than three
    while more than half are infeasible. A warning where more than half of an arm's trials are
    infeasible. A hint of a bug where at least nine in ten trials of the study are.

    With one trial in five infeasible at random a study of two arms of 16 trials is warned about
    in fewer than 1 % of cases, and with three in four in more than 95 %.

    Source: playbook, "Extracting insight from experimental results".
    """
    loss = losses(study)
    reasons = strings(study, "infeasible_reason")
    rows = []
    for arm in arm_names(study):
        trials = members(study, arm)
        lost = trials[np.isnan(loss[trials])]
        rows.append(_row(arm, trials, lost, reasons[lost]))
    lost = np.flatnonzero(np.isnan(loss))
    share = len(lost) / max(1, len(loss))
    bug = len(lost) > 1 and share >= NEARLY_ALL
    lacking = [row for row in rows if row["too_few_feasible"]]
    large = [row for row in rows if row["fraction"] > VERY_LARGE]
    finding = partial(
        Finding,
        check="infeasible",
        question="What fraction of the trials is infeasible?",
        numbers={
            "trials": len(loss),
            "infeasible": len(lost),
            "fraction": share,
            "hint_of_a_bug": bug,
            "arms": rows,
        },
        trials=tuple(trial_id(study, int(trial)) for trial in lost),
        section="Extracting insight from experimental results",
    )
    if not len(lost) and not lacking:
        return finding(answer="ok", summary=f"All {len(loss)} trials are feasible.")
    summary = f"{len(lost)} of {len(loss)} trials are infeasible ({share:.0%})."
    if not lacking and not large:
        return finding(answer="ok", summary=summary)
    return finding(
        answer="problem" if lacking else "warning",
        summary=" ".join([summary, *(_sentence(row) for row in lacking or large)]),
        advice=ADVICE_FOR_A_BUG if bug else ADVICE,
    )


def _row(arm: str, trials: Indices, lost: Indices, reasons: Any) -> dict[str, Any]:
    feasible = len(trials) - len(lost)
    fraction = len(lost) / max(1, len(trials))
    # "at step 120" and "at step 340" are one reason.
    alike = Counter(re.sub(r"\d[\d.]*(e[+-]?\d+)?", "…", str(reason)) for reason in reasons)
    return {
        "arm": arm,
        "trials": len(trials),
        "infeasible": len(lost),
        "fraction": fraction,
        "too_few_feasible": feasible == 0 or (feasible < LEAST_FEASIBLE and fraction > VERY_LARGE),
        "reasons": [
            {"reason": reason or "no reason recorded", "trials": count}
            for reason, count in alike.most_common(MOST_REASONS)
        ],
    }


def _sentence(row: dict[str, Any]) -> str:
    feasible = row["trials"] - row["infeasible"]
    sentence = f"{row['arm']} has {feasible or 'none'} of {row['trials']} trials feasible"
    for commonest in row["reasons"][:1]:
        sentence += f"; the commonest reason, of {commonest['trials']}: {commonest['reason']}"
    return sentence.rstrip(".") + "."
