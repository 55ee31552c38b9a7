"""The playbook's checklist: the questions to ask of a study before its evidence is believed."""

from collections.abc import Callable

import xarray as xr

from tuning_playbook.analysis.boundary import boundary
from tuning_playbook.analysis.collapse import collapse
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.gradient_norms import gradient_norms
from tuning_playbook.analysis.infeasible import infeasible
from tuning_playbook.analysis.initial_configuration import beats_chance
from tuning_playbook.analysis.learning_rate_edge import learning_rate_edge
from tuning_playbook.analysis.machines import mixed_machines
from tuning_playbook.analysis.overfitting import overfitting
from tuning_playbook.analysis.periodicity import periodicity
from tuning_playbook.analysis.sample_skew import sample_skew
from tuning_playbook.analysis.sampling_density import sampling_density
from tuning_playbook.analysis.saturated_early import saturated_early
from tuning_playbook.analysis.step_variance import step_variance
from tuning_playbook.analysis.still_improving import still_improving
from tuning_playbook.analysis.train_loss import train_loss_rising
from tuning_playbook.analysis.training_length import best_steps
from tuning_playbook.analysis.unequal_tuning import unequal_tuning
from tuning_playbook.study.thresholds import DEFAULTS, Checklist

Check = Callable[..., Finding]

CHECKLIST: tuple[Check, ...] = (
    boundary,
    sampling_density,
    infeasible,
    unequal_tuning,
    collapse,
    overfitting,
    step_variance,
    still_improving,
    saturated_early,
    train_loss_rising,
    best_steps,
    learning_rate_edge,
    gradient_norms,
    periodicity,
    beats_chance,
    sample_skew,
    mixed_machines,
)
"""In the order in which the playbook asks."""


def diagnose(
    study: xr.Dataset, resources: xr.Dataset | None = None, thresholds: Checklist = DEFAULTS
) -> tuple[Finding, ...]:
    """Answer every question of the checklist about a study.

    Source: playbook, "Extracting insight from experimental results".

    Args:
        study: The study.
        resources: Time, memory and machine of its trials; None where they are not known.
        thresholds: Of the checks.
    """
    findings: list[Finding] = []
    for check in CHECKLIST:
        if check is mixed_machines:
            finding = mixed_machines(study, resources)
        elif check is unequal_tuning:
            finding = unequal_tuning(study, thresholds.unequal_tuning, found=findings)
        else:
            finding = check(study, getattr(thresholds, check.__name__))
        findings.append(finding)
    return tuple(findings)
