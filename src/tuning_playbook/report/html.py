"""The report of a study: one self-contained HTML file."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.report.answer_section import (
    attention,
    make_places,
    make_questions,
    what_to_do,
)
from tuning_playbook.report.card import StudyCard, group_roles
from tuning_playbook.report.checklist_section import count_answers, make_checklist
from tuning_playbook.report.configuration_table import make_configurations
from tuning_playbook.report.design import make_costs
from tuning_playbook.report.effects import make_effects
from tuning_playbook.report.evidence import (
    make_arm_rows,
    make_changes,
    make_difference,
    make_rerun_rows,
    make_search_rows,
    make_split_rows,
)
from tuning_playbook.report.figures import make_figures
from tuning_playbook.report.input_section import make_input
from tuning_playbook.report.machine_table import describe_machines
from tuning_playbook.report.mattered_table import make_mattered
from tuning_playbook.report.page import render_page
from tuning_playbook.report.trial_table import make_trials_table

FIRST = "isolation"
"""The plot next to the answer."""

EVIDENCE_PLOTS = ("reruns",)
"""The plots in the evidence section; the others have a section of their own."""


def render(
    card: StudyCard,
    *,
    study: xr.Dataset,
    reruns: xr.Dataset | None,
    findings: Sequence[Mapping[str, Any]],
    launch: Mapping[str, Any],
    resources: xr.Dataset,
    plots: Mapping[str, str],
    replicates: xr.Dataset | None = None,
    without_checkpoint: int = 0,
    next_study: str = "",
    set_back: Mapping[str, Any] | None = None,
    set_back_trials: xr.Dataset | None = None,
    test: Mapping[str, Any] | None = None,
    final: Mapping[str, Any] | None = None,
    so_far: str = "",
) -> str:
    """Write the report of a study.

    Args:
        card: The study's question, roles and commands.
        study: The dataset of its trials (`study.nc`).
        reruns: The dataset of its reruns (`reruns.nc`); None where there are none.
        findings: The findings of `diagnostics.json`, in the checklist's order.
        launch: The launch decision (`launch.json`).
        resources: Time, memory, machine and software of the trials (`resources.nc`).
        plots: The text of each SVG by the stem of its file: `isolation`, `reruns`,
            `training_curves`, `training_loss`, `axis_<name>` or `axis_<name>.<condition>`; any
            other is shown after these.
        replicates: The trials of repeats of the whole search (`replicates.nc`); None where there
            are none.
        without_checkpoint: How many feasible trials keep no checkpoint of their best step, because
            they were ranked by another objective when they trained, or it was removed.
        next_study: The spec of the next round (`next_study.yaml`); empty where there is none.
        set_back: What of the candidate's changes mattered (`set_back.json`); None where that was
            not asked for.
        set_back_trials: The trials that it rests on (`set_back.nc`), likewise.
        test: What was read of the test set (`test.json`); None where it was not read.
        final: The model trained on training and validation data together (`final/final.json`);
            None where there is none.
        so_far: How far the study is, where this is a report of what there is so far; else empty.

    Returns:
        The text of one HTML file. It loads nothing, and the same input gives the same text.
    """
    figures = make_figures(plots, read_searched(study))
    checklist = make_checklist(findings, figures)
    fed = make_input(resources, card.profile_command)
    trials = make_trials_table(card, study, resources, fed.trials if fed else {})
    return render_page(
        "report.html.j2",
        card=card,
        study=study.attrs,
        launch=launch,
        arms=make_arm_rows(study, launch),
        changes=make_changes(launch),
        difference=make_difference(launch),
        reruns=make_rerun_rows(reruns),
        configurations=make_configurations(launch),
        mattered=make_mattered(set_back),
        searches=make_search_rows(launch),
        splits=make_split_rows(launch),
        evidence_figures=[figure for figure in figures if figure.stem in EVIDENCE_PLOTS],
        first_figures=[figure for figure in figures if figure.stem == FIRST],
        figures=[figure for figure in figures if figure.stem not in (FIRST, *EVIDENCE_PLOTS)],
        questions=make_questions(launch),
        effects=make_effects(study, launch),
        attention=attention(checklist),
        to_do=what_to_do(card, launch),
        places=() if so_far else make_places(card, launch),
        checklist=checklist,
        answers=count_answers(checklist),
        trials=trials,
        known_trials={row.trial for row in trials.rows},
        costs=make_costs(card.budget, (study, reruns, replicates, set_back_trials), resources),
        role_groups=group_roles(card.roles),
        machines=describe_machines(resources),
        input=fed,
        without_checkpoint=without_checkpoint,
        next_study=next_study,
        test=test,
        final=final,
        so_far=so_far,
    )
