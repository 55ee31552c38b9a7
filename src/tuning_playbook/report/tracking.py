"""The playbook's spreadsheet: one row per study."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.numbers import number
from tuning_playbook.analysis.ranking import best_trial, losses
from tuning_playbook.report.card import StudyCard

COLUMNS = (
    "study",
    "goal",
    "answer",
    "notes",
    "config",
    "workload",
    "trials_run",
    "trials_feasible",
    "objective_metric",
    "objective_mode",
    "best_search_objective",
    "candidate_arm",
    "candidate_rerun_mean",
    "candidate_rerun_sd",
    "baseline_rerun_mean",
    "baseline_rerun_sd",
    "decision",
    "finished",
    "builds_on",
    "reproduction_command",
)
"""The sheet's columns. Source: "Setting up experiment tracking" in the playbook."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n")
"""Characters at the start of a cell that make a spreadsheet run it as a formula."""


def summary_row(
    card: StudyCard, study: xr.Dataset, launch: Mapping[str, Any], resources: xr.Dataset
) -> dict[str, Any]:
    """Return a summary of a study for the tracking sheet and the index.

    Args:
        card: The study's question and commands.
        study: The dataset of its trials.
        launch: The launch decision, as `launch.json` holds it.
        resources: Time and machine of its trials and reruns.

    Returns:
        A JSON value for each of `COLUMNS`; `None` where there is none. `finished` is when the last
        of its trials was, and `builds_on` lists the studies that it takes values from. `campaign`
        is no column: it has what the page of all rounds needs.
    """
    loss = losses(study)
    best = best_trial(study)
    reached = None if best is None else number(study["objective"].to_numpy()[best])
    candidate, baseline = launch.get("candidate") or {}, launch.get("baseline") or {}
    return {
        "study": card.name,
        "goal": card.goal,
        "answer": launch["answer"]["sentence"],
        "notes": card.notes,
        "config": card.config,
        "workload": card.workload,
        "trials_run": int(loss.size),
        "trials_feasible": int(np.isfinite(loss).sum()),
        "objective_metric": card.objective_metric,
        "objective_mode": card.objective_mode,
        "best_search_objective": reached,
        "candidate_arm": candidate.get("arm"),
        "candidate_rerun_mean": _finite(candidate.get("mean")),
        "candidate_rerun_sd": _finite(candidate.get("standard_deviation")),
        "baseline_rerun_mean": _finite(baseline.get("mean")),
        "baseline_rerun_sd": _finite(baseline.get("standard_deviation")),
        "decision": launch["decision"],
        "finished": _finished(resources),
        "builds_on": list(dict.fromkeys(taken.study for taken in card.taken)),
        "reproduction_command": card.commands[0][1] if card.commands else "",
        "campaign": _for_campaigns(card, study, resources),
    }


def _for_campaigns(card: StudyCard, study: xr.Dataset, resources: xr.Dataset) -> dict[str, Any]:
    """Return what the campaign's page needs: what was varied, fixed and taken, and the cost."""
    of_role: dict[str, dict[str, str]] = {"scientific": {}, "nuisance": {}, "fixed": {}}
    for row in card.roles:
        of_role[row.role][row.hyperparameter] = row.value
    trainings = resources.sizes["trial"]
    timed = "wall_seconds" in resources and trainings
    steps = study.attrs.get("max_train_steps")
    return {
        "compared": of_role["scientific"],
        "searched": list(of_role["nuisance"]),
        "fixed": of_role["fixed"],
        "defaulted": [row.hyperparameter for row in card.roles if row.origin == "default"],
        "target": card.objective_target,
        "taken": [{"place": item.place, "study": item.study} for item in card.taken],
        "cost": {
            "trainings": trainings,
            "steps": None if steps is None else trainings * int(steps),
            "seconds": float(resources["wall_seconds"].sum()) if timed else None,
        },
    }


def write_tracking(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the tracking sheet as CSV, its rows in the order given.

    A text that a spreadsheet would run as a formula gets a leading apostrophe, which it shows as
    text instead. Numbers stay numbers. What a row lacks, because an earlier version of this
    project wrote it, is empty.

    Example:
        >>> row = dict.fromkeys(COLUMNS) | {"study": "=1+1", "best_search_objective": -0.5}
        >>> print(write_tracking([row]).splitlines()[1])
        '=1+1,,,,,,,,,,-0.5,,,,,,,,,
    """
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(row.get(name)) for name in COLUMNS} for row in rows)
    return sheet.getvalue()


def _cell(value: object) -> object:
    """Return a value for the sheet, with one kind of line end and no formula."""
    if isinstance(value, list):
        value = "; ".join(value)
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _finished(resources: xr.Dataset) -> str | None:
    """Return when the last trial was finished; None for trials of another tool."""
    if "finished" not in resources:
        return None
    return max(
        (str(time) for time in resources["finished"].to_numpy().tolist() if time), default=None
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
