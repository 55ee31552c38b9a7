"""The launch decision of a study, from the files that it rests on."""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from tuning_playbook.analysis.findings import Finding, read_findings
from tuning_playbook.dataset.replicates import open_if_any
from tuning_playbook.launches.decision import Launch, decide
from tuning_playbook.study.caveats import caveats
from tuning_playbook.study.regularization import regularized_arms
from tuning_playbook.study.simplicity import simplicity
from tuning_playbook.study.study import Study


def decide_study(
    asked: Study,
    *,
    study: str,
    reruns: str,
    replicates: Sequence[str],
    diagnostics: str,
    decide_incomplete: bool,
) -> Launch:
    """Decide whether the candidate of a study replaces the baseline.

    Args:
        asked: The study; its spec has the minimum improvement.
        study: Its dataset.
        reruns: The dataset of its reruns.
        replicates: The dataset of the repeats of its search, or none.
        diagnostics: The file with the findings of the checklist.
        decide_incomplete: Whether to decide although trials have no result.
    """
    with (
        xr.open_dataset(study) as searched,
        xr.open_dataset(reruns) as again,
        open_if_any(replicates) as repeats,
    ):
        return decide_on(
            asked,
            searched,
            again,
            read_findings(Path(diagnostics)),
            replicates=repeats,
            decide_incomplete=decide_incomplete,
        )


def decide_on(
    asked: Study,
    searched: xr.Dataset,
    again: xr.Dataset,
    findings: Sequence[Finding],
    *,
    replicates: xr.Dataset | None,
    decide_incomplete: bool,
) -> Launch:
    """Decide whether the candidate of a study replaces the baseline, from its datasets.

    Args:
        asked: The study; its spec has the minimum improvement.
        searched: Its dataset.
        again: The dataset of its reruns.
        findings: What the checklist found.
        replicates: The dataset of the repeats of its search; None where there are none.
        decide_incomplete: Whether to decide although trials have no result.
    """
    return decide(
        searched,
        again,
        findings,
        replicates=replicates,
        goal=asked.spec.goal,
        slice_count=asked.spec.isolation.slices,
        simple=simplicity(asked),
        regularized=regularized_arms(asked),
        min_improvement=asked.spec.launch.min_improvement,
        complexity=asked.spec.launch.complexity,
        caveats=caveats(asked),
        decide_incomplete=decide_incomplete,
    )
