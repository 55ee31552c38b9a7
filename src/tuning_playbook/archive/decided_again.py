"""Decide again with the numbers of trials that were trained again: does the decision hold?"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.analysis.diagnosis import diagnose_study
from tuning_playbook.analysis.ranking import best_ids
from tuning_playbook.archive.contents import RESULTS
from tuning_playbook.archive.planned_again import planned_again
from tuning_playbook.dataset.collect import collect_study, write_dataset
from tuning_playbook.dataset.replicates import collect_replicates
from tuning_playbook.dataset.reruns import collect_reruns
from tuning_playbook.errors import TuningPlaybookError
from tuning_playbook.files import write_json
from tuning_playbook.launches.study_launch import decide_study
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.targets import StudyFiles
from tuning_playbook.trials.pack_file import read_pack, write_pack
from tuning_playbook.trials.record import TrialRecord


def survives(
    payload: Path, about: Mapping[str, Any], found: Mapping[str, TrialRecord], scratch: Path
) -> str:
    """Return a sentence about the decision with other numbers for some trials.

    Args:
        payload: The folder of the bag's payload.
        about: The archive's `archive.json`.
        found: The trials that were trained again, by id.
        scratch: An empty folder.
    """
    launch = json.loads((payload / RESULTS / "launch.json").read_text())
    before, candidate = launch["decision"], (launch["candidate"] or {}).get("trial")
    number = "this trial" if len(found) == 1 else f"these {len(found)} trials"
    those = f"with {number} in place of the archive's"
    if "as_given" not in about:
        return f"whether the decision survives is not known: {OLDER}"
    try:
        with planned_again(payload, about, scratch / "planned") as again:
            best, decided = _decide(again.plan, payload / RESULTS, found, scratch)
    except TuningPlaybookError as error:
        return f"whether the decision survives is not known: {error}"
    if best:
        return (
            f"the decision does not survive: {those} the search finds another best trial in "
            f"{', '.join(best)}, of which the archive has no reruns"
        )
    after, chosen = decided["decision"], (decided["candidate"] or {}).get("trial")
    if (after, chosen) == (before, candidate):
        return f"the decision survives: {those} it is still '{before}'"
    other = "" if chosen == candidate else f", and the candidate is {chosen}, not {candidate}"
    return f"the decision does not survive: {those} it is '{after}', not '{before}'{other}"


OLDER = "an earlier version made the archive, which kept too little to decide again"


def _decide(
    plan: Plan, results: Path, found: Mapping[str, TrialRecord], scratch: Path
) -> tuple[list[str], Mapping[str, Any]]:
    """Return the arms whose best trial changed, and the decision."""
    files = StudyFiles(plan, str(results))

    def packs(names: Sequence[str]) -> list[Path]:
        return [_with(Path(name), results, found, scratch) for name in names]

    study = collect_study(plan, packs(files.packs))
    chosen = json.loads((results / "reruns/choice.json").read_text())["arms"]
    best = [arm for arm, trial in best_ids(study).items() if chosen[arm]["rerun_of"] != trial]
    if best:
        return best, {}
    write_dataset(scratch / "study.nc", study)
    write_dataset(scratch / "reruns.nc", collect_reruns(plan, chosen, packs(files.rerun_packs)))
    replicates = []
    if files.if_made("replicates.nc"):
        replicates = [str(scratch / "replicates.nc")]
        repeated = collect_replicates(plan, packs(files.replicate_packs))
        write_dataset(Path(replicates[0]), repeated)
    findings = diagnose_study(
        scratch / "study.nc",
        results / "checkpoints.nc",
        results / "trials",
        plan.study.spec.checklist,
    )
    write_json(scratch / "diagnostics.json", findings)
    launch = decide_study(
        plan.study,
        study=str(scratch / "study.nc"),
        reruns=str(scratch / "reruns.nc"),
        replicates=replicates,
        diagnostics=str(scratch / "diagnostics.json"),
        decide_incomplete=False,
    )
    return [], launch.to_json()


def _with(pack: Path, results: Path, found: Mapping[str, TrialRecord], scratch: Path) -> Path:
    """Return a pack in which trials that were trained again have their new numbers."""
    records = read_pack(pack)
    if not records.keys() & found.keys():
        return pack
    changed = scratch / pack.relative_to(results)
    write_pack(changed, {name: found.get(name, record) for name, record in records.items()})
    return changed
