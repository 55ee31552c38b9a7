"""Plan the study of an unpacked archive again, without running any code of it.

Texts of a study name its spec and its results as they were given to the workflow. So the spec and
the files that it names are placed as they were there, in a separate folder. That is the working
folder while the study is planned and its results are made again.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning_playbook.archive.as_planned import ELSEWHERE, PLANNED, QUOTED, WORKLOAD
from tuning_playbook.archive.contents import RESULTS
from tuning_playbook.errors import ArchiveError
from tuning_playbook.planning.division import PACKS, Division
from tuning_playbook.planning.job_sizes import with_division
from tuning_playbook.planning.plan import Plan, study_of, with_proposals
from tuning_playbook.study.import_spec import ImportSpec
from tuning_playbook.study.read import WrittenSpec, written_spec
from tuning_playbook.study.settled import read_settled
from tuning_playbook.study.workload_description import from_json, is_command
from tuning_playbook.study.yaml import read_yaml

HERE = "1/2/3/4/5/6/7/8"
"""The working folder, deep enough that relative paths stay inside when they climb."""


@dataclass(frozen=True)
class PlannedAgain:
    """A study as it was planned.

    Attributes:
        plan: Its plan, with what its rounds proposed.
        results: The folder of all results as given to the workflow, or a replacement.
        places: The replacements of folders in texts, as in the archive.
    """

    plan: Plan
    results: str
    places: Mapping[str, str]


@contextlib.contextmanager
def planned_again(payload: Path, about: Mapping[str, Any], folder: Path) -> Iterator[PlannedAgain]:
    """Yield the study of an archive as it was planned; the working folder changes meanwhile.

    Args:
        payload: The folder of the bag's payload.
        about: The archive's `archive.json`.
        folder: An empty folder.

    Raises:
        ArchiveError: The record of its plan is missing or invalid.
        TuningPlaybookError: The spec cannot be carried out as written.
    """
    here = folder / HERE
    here.mkdir(parents=True)
    given = about["as_given"]
    spec = _lay_out(folder, payload, about)
    results = given["results"]
    outside = next((mark for mark in (ELSEWHERE, QUOTED) if results == mark), "")
    told = str(folder) + outside + "/results" if outside else results
    places = {
        told: RESULTS,
        f"{told}/{about['study']}": f"{RESULTS}/{about['study']}",
        **({str(spec.parent): "spec"} if spec.is_absolute() else {}),
    }
    with _working_in(here):
        plan = _plan(payload, spec)
        yield PlannedAgain(plan, told, places if outside or spec.is_absolute() else {})


def why_not_planned(payload: Path, about: Mapping[str, Any]) -> str:
    """Return why the study of an archive cannot be planned again; empty if it can.

    An absolute path belongs to the machine that planned the study, and its text is part of the
    study.
    """
    document, _ = read_yaml(payload / about["spec"], what="study spec")
    baseline = document.get("baseline")
    if not isinstance(baseline, str) or not Path(baseline).is_absolute():
        return ""
    return (
        f"its spec names its baseline by an absolute path, {baseline}, so it cannot be planned "
        "again; give it from the spec's folder"
    )


def _lay_out(folder: Path, payload: Path, about: Mapping[str, Any]) -> Path:
    """Place the spec and the files it names as they were; return the spec's path as given."""
    given, here = about["as_given"], folder / HERE
    name = Path(given["spec"])
    archived = payload / about["spec"]
    path = Path(f"{folder}{name}") if name.is_absolute() else name
    _put(archived, here / path, folder)
    document, _ = read_yaml(archived, what="study spec")
    baseline = document.get("baseline")
    if isinstance(baseline, str):
        kept = Path(baseline)
        inside = not kept.is_absolute() and ".." not in kept.parts
        file = payload / "spec" / (kept if inside else kept.name)
        if file.is_file():
            _put(file, here / (path.parent if given["baseline_beside_spec"] else "") / kept, folder)
    workload = document.get("workload")
    if isinstance(workload, str) and is_command(workload):
        for file in sorted((payload / "spec").rglob("*")):
            if file.is_file() and file != archived:
                to = here / given["command"] / file.relative_to(payload / "spec")
                _put(file, to, folder)
    if (payload / PLANNED).is_file():
        _put(payload / PLANNED, here / PLANNED, folder)
    return path


def _put(file: Path, to: Path, folder: Path) -> None:
    target = Path(os.path.normpath(to))
    if not target.is_relative_to(folder):
        raise ArchiveError(f"archive.json: {to} leads out of the folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    # A path through a folder that does not exist yet, such as `a/../b`, is not found.
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _plan(payload: Path, spec: Path) -> Plan:
    described = None
    if (payload / WORKLOAD).is_file():
        content = json.loads((payload / WORKLOAD).read_text())
        described = from_json({**content, "import_from": "", "data_folder": ""})
    written = _written(spec)
    if isinstance(written.shape, ImportSpec):
        raise ArchiveError("its trials were read from a source")
    if described is None and not is_command(written.shape.workload):
        raise ArchiveError(f"{WORKLOAD}: it is missing")
    study = study_of(written, described=described)
    results = payload / RESULTS
    plan = with_division(Plan(study), Division(results / PACKS))
    proposals = [results / item.proposal for item in plan.rounds.values()]
    return with_proposals(plan, proposals)


def _written(spec: Path) -> WrittenSpec:
    """Return the spec from which the study was planned."""
    if Path(PLANNED).is_file():
        return replace(read_settled(Path(PLANNED)), path=spec)
    return written_spec(spec, *read_yaml(spec, what="study spec"))


@contextlib.contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Make a folder the working folder; no module is searched for in it."""
    searched = sys.path[:]
    sys.path[:] = [place for place in searched if Path(place).is_absolute()]
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path[:] = searched
