"""The launch report of a study and its row of the tracking sheet, from the files of the study."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from tuning_playbook.dataset.best_checkpoints import unkept
from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.planning.plan import Plan
from tuning_playbook.report.html import render
from tuning_playbook.report.study_card import make_card
from tuning_playbook.report.tracking import summary_row


def report_study(
    plan: Plan,
    results: str,
    *,
    study: str,
    checkpoints: str,
    reruns: str,
    replicates: Sequence[str],
    resources: str,
    diagnostics: str,
    launch: str,
    next_study: Sequence[str],
    set_back: Sequence[str],
    set_back_trials: Sequence[str],
    test: Sequence[str],
    final: Sequence[str],
    plots: Sequence[str],
) -> tuple[str, dict[str, Any]]:
    """Return the report, and the row of the tracking sheet as a JSON object.

    Args:
        plan: The study's, with the trials that its rounds have proposed.
        results: The folder of all results, as the workflow was told.
        study: Its dataset.
        checkpoints: That of its best checkpoints.
        reruns: That of its reruns.
        replicates: That of the repeats of its search, or none; likewise below.
        resources: Time, memory and machine of its trials.
        diagnostics: What the checklist found.
        launch: The decision.
        next_study: The spec of the next round.
        set_back: What of the candidate's changes mattered.
        set_back_trials: The dataset of these.
        test: The reading of the test set.
        final: The record of the final model.
        plots: All plots.
    """
    card = make_card(plan, results=results)
    decided = _read(launch)
    with (
        xr.open_dataset(study) as searched,
        xr.open_dataset(reruns) as again,
        open_if_any(replicates) as repeats,
        open_if_any(set_back_trials) as undone,
        xr.open_dataset(resources) as costs,
        xr.open_dataset(checkpoints) as best,
    ):
        html = render(
            card,
            study=searched,
            reruns=again,
            findings=_read(diagnostics)["findings"],
            launch=decided,
            replicates=repeats,
            set_back_trials=undone,
            resources=costs,
            without_checkpoint=0 if card.imported or card.of_command else unkept(searched, best),
            next_study=Path(next_study[0]).read_text() if next_study else "",
            set_back=_read(set_back[0]) if set_back else None,
            test=_read(test[0]) if test else None,
            final=_read(final[0]) if final else None,
            plots={Path(path).stem: Path(path).read_text() for path in plots},
        )
        return html, summary_row(card, searched, decided, costs)


def _read(path: str) -> Any:
    return json.loads(Path(path).read_text())
