"""What an archive keeps of how its study was planned, so that it can be planned there again.

    workload.json    what a class declares of itself, so that none of its code need be run
    planned.yaml     the settled spec, or the plan of a round, where the study was planned of one
    results/packs.json    which trials each job trained, where the spec leaves that open

and in `archive.json` the paths that texts of the study name.
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
"""What stands for a folder of this machine, and for one whose name needs quotes in a shell."""


def planning_files(plan: Plan, folder: Path, planned: Path) -> dict[str, Content]:
    """Return the files that planning a study again needs, beside its spec, by names in the archive.

    Args:
        plan: The study's.
        folder: Its folder of results.
        planned: The file that its jobs plan it from.
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
    """Return the paths that texts of a study name; an absolute one only as that it is one.

    Args:
        plan: The study's.
        results: The folder of all results, as the workflow was told.
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
    """Whether a baseline's file stands where the spec says from its own folder."""
    return baseline is not None and (spec.parent / baseline).is_file()


def _stand_in(folder: Path) -> str:
    if not folder.is_absolute():
        return folder.as_posix()
    return ELSEWHERE if shlex.quote(str(folder)) == str(folder) else QUOTED
