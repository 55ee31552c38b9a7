"""Find the trials that no spec names any more, and remove them on request."""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning_playbook.archive.zip_layout import read_entries
from tuning_playbook.errors import ArchiveError, ArtefactError
from tuning_playbook.launches.history import read_launches
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.workload_description import is_command
from tuning_playbook.trials.claims import claimed_now
from tuning_playbook.trials.trial import Trial, trial_from_json
from tuning_playbook.trials.trial_json import read_trial_json

TRIAL = re.compile(r"[0-9a-f]{10}")
IN_ARCHIVE = re.compile(r"[^/]+/data/results/trials/([0-9a-f]{10})/")


@dataclass(frozen=True)
class Leftovers:
    """Files in a study's folder of results that its spec does not ask for.

    Attributes:
        trials: Folders of trials that nothing names.
        packs: Files made from trials that the spec does not name. They must be removed with the
            trials: a pack without its trials would count as trained.
    """

    trials: tuple[Path, ...]
    packs: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """Return the size of the trials in bytes."""
        files = (path for folder in self.trials for path in folder.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)


def find_leftovers(plan: Plan, results: Path, launches: Path) -> Leftovers:
    """Return what no spec, launch or archive of a study names any more.

    Args:
        plan: The study's plan, with the trials that its rounds have proposed.
        results: The folder of all results.
        launches: The record of adopted launches, if there is one.

    Raises:
        ArchiveError: An archive of the study cannot be read, so what it names is not known.
        ArtefactError: A file of its results cannot be read.
    """
    folder = results / plan.study.name
    named = {item.trial.id for repeat in plan.replicates for item in repeat.trials}
    named |= {item.trial.id for item in plan.trials}
    named |= _named_by_results(folder)
    named |= _named_by_archive(results / "archive" / f"{plan.study.name}.zip")
    named |= {row["trial"] for row in read_launches(launches)}
    trials = [
        path
        for path in sorted((folder / "trials").glob("*"))
        if TRIAL.fullmatch(path.name) and path.name not in named and not path.is_symlink()
    ]
    planned = plan.packs.keys() | plan.replicate_packs.keys()
    packs = [path for path in folder.glob("packs/*.nc") if path.stem not in planned]
    packs += [path for path in folder.glob("rounds/*") if path.name not in plan.rounds]
    return Leftovers(tuple(trials), tuple(sorted(packs)))


def clear_failed_attempts(plan: Plan, results: Path, launches: Path) -> int:
    """Remove the folders of failed trials that nothing names any more; return their number.

    They are from code, data or a spec that has changed since. Such a trial has no result, and would
    be trained again if it were requested again. Uncertain cases stay: if a file of the results
    cannot be read, or a trial may be training.

    Args:
        plan: The study's plan; with rounds, some trials are named only in their proposals.
        results: The folder of all results.
        launches: The record of adopted launches, if there is one.
    """
    folder = results / plan.study.name
    if plan.rounds or not (folder / "trials").is_dir():
        return 0
    try:
        unnamed = find_leftovers(plan, results, launches).trials
    except (ArtefactError, ArchiveError):
        return 0  # a step that needs the file reports the error
    failed = {path: trial for path in unnamed if (trial := _failed_trial(path)) is not None}
    busy = claimed_now([trial.id for trial in failed.values()], folder)
    idle = [path for path, trial in failed.items() if busy is not None and trial.id not in busy]
    for path in idle:
        shutil.rmtree(path, ignore_errors=True)
    return len(idle)


def _failed_trial(folder: Path) -> Trial | None:
    """Return the trial of a folder whose training failed; None if there is no such trial.

    A command's trial is left out: its folder contains files that a user's script saved.
    """
    try:
        content = read_trial_json(folder)
        trial = trial_from_json(content["trial"])
    except (ArtefactError, LookupError, TypeError):
        return None
    failed = content.get("status") == "failed" and not is_command(trial.workload)
    return trial if failed else None


def remove(leftovers: Leftovers) -> None:
    """Remove leftovers, packs first, so that no pack is left without its trials.

    Raises:
        ArtefactError: A job is training one of the trials; nothing is removed.
    """
    check_idle(leftovers.trials)
    for path in (*leftovers.packs, *leftovers.trials):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def check_idle(folders: Sequence[Path]) -> None:
    """Check that no job is training any of some trials.

    Args:
        folders: The folders of the trials, all of one study.

    Raises:
        ArtefactError: A job is.
    """
    if not folders:
        return
    busy = claimed_now([path.name for path in folders], folders[0].parents[1])
    if busy:
        raise ArtefactError(
            f"{folders[0].parent / min(busy)}: a job trains this trial at this moment, which the "
            "spec does not name any more; nothing was removed: wait for the run, or end it"
        )


def _named_by_results(folder: Path) -> set[str]:
    """Return the trials named by the reruns, the decision and the test-set readings."""
    named = {path.stem.split("-")[0] for path in folder.glob("test/*.json")}
    try:
        for choice in _read(folder / "reruns" / "choice.json").get("arms", {}).values():
            named |= {trial_from_json(trial).id for trial in choice["trials"]}
            named.add(choice["rerun_of"])
        for change in _read(folder / "set_back" / "choice.json").get("changes", ()):
            named |= {trial_from_json(trial).id for trial in change["trials"]}
        launch = _read(folder / "launch.json")
        contenders = (launch.get("candidate"), *launch.get("other_arms", ()))
        named |= {contender["trial"] for contender in contenders if contender}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ArtefactError(
            f"{folder}: its reruns or its launch cannot be read ({error!r}); run snakemake again"
        ) from None
    return named


def _named_by_archive(archive: Path) -> set[str]:
    found: Iterable[re.Match[str] | None] = ()
    if archive.exists():
        found = (IN_ARCHIVE.match(entry.name) for entry in read_entries(archive))
    return {match[1] for match in found if match}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content
