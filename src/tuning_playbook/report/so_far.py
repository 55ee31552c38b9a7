"""The report of the results so far, while the rest of a study trains.

It is made of the files of the trials alone and in memory: nothing that Snakemake keeps is written,
so its lock does not matter.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.diagnosis import findings_of
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.dataset.best_checkpoints import collect_checkpoints, unkept, with_checkpoints
from tuning_playbook.dataset.collect import collect_study
from tuning_playbook.dataset.reruns import reruns_so_far
from tuning_playbook.dataset.resources import collect_resources
from tuning_playbook.errors import ArtefactError
from tuning_playbook.launches.decision import Launch
from tuning_playbook.launches.study_launch import decide_on
from tuning_playbook.planning.plan import Plan
from tuning_playbook.plots.study_plots import every_plot
from tuning_playbook.plots.style import save
from tuning_playbook.report.html import render
from tuning_playbook.report.study_card import make_card

FILE = "report_so_far.html"
"""Its file name, in the folder of `report.html`."""


@dataclass(frozen=True)
class SoFar:
    """The results so far: the trials and reruns that have a result, and their analysis.

    Attributes:
        plan: The study's.
        study: The dataset of its trials.
        reruns: That of its reruns; without any before they are chosen.
        checkpoints: That of its best checkpoints.
        resources: Time and machine of the trials and reruns.
        findings: What the checklist finds.
        launch: The answer, and no decision.
    """

    plan: Plan
    study: xr.Dataset
    reruns: xr.Dataset
    checkpoints: xr.Dataset
    resources: xr.Dataset
    findings: Sequence[Finding]
    launch: Launch


def what_there_is(plan: Plan, results: Path) -> SoFar:
    """Return the results of a study so far.

    Args:
        plan: The study's, with the trials that its rounds have proposed.
        results: The folder of all results.

    Raises:
        ArtefactError: No trial has a result yet.
    """
    folder = results / plan.study.name
    try:
        study = collect_study(plan, [], folder=folder, incomplete=True)
    except ArtefactError as error:
        raise ArtefactError(
            f"{folder}: no trial of the study has a result yet, so there is nothing to report; "
            f"tuning-playbook status {plan.study.path} says how far the running ones are"
        ) from error
    reruns = reruns_so_far(plan, folder)
    checkpoints = collect_checkpoints(plan.study, study, folder)
    searched = [str(trial) for trial in study["trial"].to_numpy()]
    trials = [*searched, *(str(trial) for trial in reruns["trial"].to_numpy())]
    resources = collect_resources(trials, folder / "trials")
    findings = findings_of(
        with_checkpoints(study, checkpoints),
        resources.sel(trial=searched),
        plan.study.spec.checklist,
    )
    launch = decide_on(plan.study, study, reruns, findings, replicates=None, decide_incomplete=True)
    return SoFar(plan, study, reruns, checkpoints, resources, findings, _undecided(launch))


def report_so_far(found: SoFar, results: Path, *, said: str) -> str:
    """Return the report of the results so far.

    Args:
        found: What there is.
        results: The folder of all results.
        said: How far the study is, in one line.
    """
    plan, study = found.plan, found.study
    slices = plan.study.spec.isolation.slices
    plots = every_plot(study, found.reruns, None, found.findings, slice_count=slices)
    return render(
        replace(make_card(plan, results=str(results)), next_command="", adopt_command=""),
        study=study,
        reruns=found.reruns,
        findings=[finding.to_json() for finding in found.findings],
        launch=found.launch.to_json(),
        resources=found.resources,
        plots=_drawn(plots),
        without_checkpoint=0
        if plan.study.workload.is_command
        else unkept(study, found.checkpoints),
        so_far=said,
    )


def _undecided(launch: Launch) -> Launch:
    """Return a launch without a decision, because later results may change all of it."""
    return replace(
        launch,
        decision="undecided",
        reasons=("The study decides once all of its trials and reruns have a result.",),
        what_would_change=(),
    )


def _drawn(plots: Mapping[str, Callable[[], Figure]]) -> dict[str, str]:
    """Return the text of each plot's SVG, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plot.svg"
        drawn = {}
        for name, draw in plots.items():
            save(draw(), file)
            drawn[name] = file.read_text()
        return drawn
