"""The last lines of a run: the answer, the decision, the checks that need a look, the report."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.report.formatting import number
from tuning_playbook.study.steps_to import NOT_REACHED

MOST_STUDIES = 5
"""A run of more studies than this names the page that lists them all."""

LOOK = ("problem", "warning")
"""The answers of checks that need a look."""


def last_words(folders: Iterable[Path], results: Path) -> list[str]:
    """Return the last lines of a run.

    Args:
        folders: Of the studies that it was asked for and whose reports are up to date.
        results: The folder of all results.
    """
    given = list(folders)
    lines = [line for folder in given[:MOST_STUDIES] for line in study_words(folder)]
    if len(given) > MOST_STUDIES:
        lines.append(f"{len(given) - MOST_STUDIES:,} more studies: see {results / 'index.html'}")
    return lines


def study_words(folder: Path) -> list[str]:
    """Return what a study found; nothing if it cannot be read, so that the run does not fail.

    Args:
        folder: Its folder of results.
    """
    try:
        launch = json.loads((folder / "launch.json").read_text())
        findings = json.loads((folder / "diagnostics.json").read_text())["findings"]
        summary = json.loads((folder / "summary.json").read_text())
        return [
            f"{summary['study']}: {launch['answer']['sentence']}",
            f"  decision: {launch['decision']}: {launch['reasons'][0]}",
            f"  best of the search: {_best(summary)}",
            *_candidate(launch),
            *_checks(findings),
            f"  report: {folder / 'report.html'}",
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def conclusion_words(folder: Path) -> list[str]:
    """Return what a procedure concludes; nothing if it cannot be read.

    Args:
        folder: Its folder of results.
    """
    try:
        conclusion = json.loads((folder / "conclusion.json").read_text())
        return [
            f"{folder.name}: {conclusion['sentence']}",
            f"  verdict: {conclusion['verdict']}. {conclusion['advice']}",
            f"  report: {folder / 'report.html'}",
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _best(summary: Mapping[str, Any]) -> str:
    value, feasible, run = (
        summary[name] for name in ("best_search_objective", "trials_feasible", "trials_run")
    )
    if value is None and not feasible:
        return "no feasible trial"
    reached = NOT_REACHED if value is None else number(value)
    return f"{summary['objective_metric']} {reached}, {feasible:,} of {run:,} trials are feasible"


def _candidate(launch: Mapping[str, Any]) -> list[str]:
    candidate = launch.get("candidate") or {}
    named = candidate.get("trial")
    return [f"  candidate: trial {named} ({candidate['arm']})"] if named else []


def _checks(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each kind of answer that asks for a look."""
    named: dict[str, list[str]] = {}
    for finding in findings:
        named.setdefault(finding["answer"], []).append(finding["check"])
    return [f"  checks, {answer}: {', '.join(named[answer])}" for answer in LOOK if answer in named]
