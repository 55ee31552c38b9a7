"""The record in an archive of how its study was planned, so that it can be planned again.

workload.json    a class's declarations, so that none of its code must run
planned.yaml     the settled spec, or the plan of a round, if the study was planned from one
results/packs.json    which trials each job trained, if the spec leaves that open

and in `archive.json` the paths in texts of the study.
"""

import json
import shlex
from pathlib import Path
from typing import Any

from tuning_playbook.archive.zip_layout import Content
from tuning_playbook.planning.division import PACKS
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.workload_description import to_json

WORKLOAD, PLANNED = "workload.json", "planned.yaml"

ELSEWHERE, QUOTED = "/away", "/a way's"
"""Replacements for a folder of this machine, and for one whose name needs shell quotes."""


def planning_files(plan: Plan, folder: Path, planned: Path) -> dict[str, Content]:
    """Return the files needed to plan a study again, beside its spec, by names in the archive.

    Args:
        plan: The study's plan.
        folder: Its folder of results.
        planned: The file from which its jobs plan it.
    """
    files: dict[str, Content] = {}
    study = plan.study
    if not (study.imported or study.workload.is_command):
        files[WORKLOAD] = (json.dumps(to_json(study.workload), indent=1) + "\n").encode()
    if planned.resolve() != study.path.resolve():
        files[PLANNED] = planned
    if plan.division_is_open and (folder / PACKS).is_file():
        files[f"results/{PACKS}"] = folder / PACKS
    return files


def paths_as_given(plan: Plan, results: str) -> dict[str, Any]:
    """Return the paths in a study's texts; of an absolute path only that it is absolute.

    Args:
        plan: The study's plan.
        results: The folder of all results, as given to the workflow.
    """
    study = plan.study
    command = study.workload.import_from if study.workload.is_command else ""
    return {
        "spec": _stand_in(study.path.parent) + f"/{study.path.name}",
        "results": _stand_in(Path(results)),
        "baseline_beside_spec": is_beside(study.path, study.spec.baseline),
        "command": command,
    }


def is_beside(spec: Path, baseline: str | None) -> bool:
    """Return whether a baseline's file is where the spec says, relative to the spec's folder."""
    return baseline is not None and (spec.parent / baseline).is_file()


def _stand_in(folder: Path) -> str:
    if not folder.is_absolute():
        return folder.as_posix()
    return ELSEWHERE if shlex.quote(str(folder)) == str(folder) else QUOTED
