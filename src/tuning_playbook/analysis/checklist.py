"""The playbook's checklist: the questions to ask of a study before its evidence is believed."""

import xarray as xr

from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.infeasible import infeasible
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.progress import best_steps, saturated_early, still_improving

CHECKLIST = (boundary, infeasible, overfitting, still_improving, saturated_early, best_steps)
"""In the order in which the playbook asks."""


def diagnose(study: xr.Dataset) -> tuple[Finding, ...]:
    """Answer every question of the checklist about a study.

    Source: playbook, "Extracting insight from experimental results".
    """
    return tuple(check(study) for check in CHECKLIST)
