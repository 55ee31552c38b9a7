"""How many trials of each arm reach the target of the objective's metric."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from tuning_playbook.analysis.ranking import arm_names, censored, ranked, target

ADVICE = (
    "Train longer, or take a target that is easier to reach: what never reaches it is ranked by "
    "its best value alone."
)


def target_reached(study: xr.Dataset) -> list[dict[str, Any]]:
    """Return for each arm how many feasible trials it has, and how many reach the target.

    Returns:
        `arm`, `feasible` and `reached` of each arm; nothing where there is no target.
    """
    if target(study) is None:
        return []
    lost = censored(study)
    orders = {arm: ranked(study, arm) for arm in arm_names(study)}
    return [
        {"arm": arm, "feasible": len(order), "reached": int((~lost[order]).sum())}
        for arm, order in orders.items()
    ]


def unreached_arms(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the arms that have feasible trials of which none reaches the target."""
    return [row["arm"] for row in rows if row["feasible"] and not row["reached"]]


def in_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how many trials reach the target; nothing without one, or without feasible trials."""
    feasible, reached = (sum(row[key] for row in rows) for key in ("feasible", "reached"))
    if not feasible:
        return ""
    sentence = f"{reached or 'None'} of {feasible} feasible trials reach the target."
    if reached > 0 and (none := unreached_arms(rows)):
        sentence += f" No trial of {' or '.join(none)} does."
    return sentence
