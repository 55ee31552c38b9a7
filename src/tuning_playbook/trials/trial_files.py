"""What a finished trial leaves in its folder, beside its checkpoints, and where its numbers stand.

    trials/<trial>/trial.json    configuration, fingerprint, status, provenance; written last
    trials/<trial>/numbers.npz   its numbers, until they are collected

A trial whose trial.json names the same fingerprint is finished if its numbers can be found and have
the hash that trial.json keeps. When its pack is in a dataset of the study they stand in these two,
and not before: Snakemake removes the pack of a job that it did not see end.
Reading and writing these needs no JAX, so a job that keeps all its trials is quick.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_atomically
from tuning_playbook.trials.manifest import BEST, check_manifest, manifest_of
from tuning_playbook.trials.pack_file import read_numbers, write_numbers, write_pack
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.trial import Trial

logger = logging.getLogger(__name__)

FORMAT = 2
"""The format of trial.json; one that does not say any is of format 1."""

NUMBERS = "numbers.npz"


def trial_folder(study: Path, trial: Trial) -> Path:
    """Return the folder of a trial in the results of its study."""
    return study / "trials" / trial.id


def write_trial(
    study: Path,
    trial: Trial,
    record: TrialRecord,
    *,
    kept_steps: Sequence[int],
    provenance: Mapping[str, Any],
    pack: str = "",
) -> None:
    """Write a finished trial; its trial.json comes last and says that all else is there.

    Args:
        study: The study's folder of results.
        trial: What was trained.
        record: Its numbers.
        kept_steps: The steps of its best checkpoints that are kept.
        provenance: What differs from run to run: dates, times, machine, versions.
        pack: The pack that it is to stand in, in the study's folder; empty if that is not known.
    """
    folder = trial_folder(study, trial)
    write_numbers(folder / NUMBERS, {trial.id: record})
    content = {
        "format": FORMAT,
        "trial": trial.to_json(),
        "fingerprint": trial.fingerprint,
        "status": record.status,
        "infeasible_reason": record.reason,
        "numbers_sha256": record.sha256,
        "kept_steps": list(kept_steps),
        "provenance": dict(provenance),
    }
    write_trial_json(folder, content | ({"pack": pack} if pack else {}))


def write_trial_json(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the trial.json in the folder of a trial."""
    write_atomically(folder / "trial.json", json.dumps(content, indent=1, sort_keys=True) + "\n")


def read_trial_json(folder: Path) -> dict[str, Any]:
    """Return the trial.json in the folder of a finished trial.

    Raises:
        ArtefactError: It is missing or damaged.
    """
    path = folder / "trial.json"
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ArtefactError(
            f"{path}: the record of the trial cannot be read ({error}); remove its folder and its "
            "pack, and run snakemake again"
        ) from None
    if not isinstance(content, dict):
        raise ArtefactError(f"{path}: the record of the trial is no JSON object; remove its folder")
    return content


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return the provenance of the finished trial in a folder."""
    provenance: dict[str, Any] = read_trial_json(folder)["provenance"]
    return provenance


def told_of(study: Path, trial: Trial) -> dict[str, Any] | None:
    """Return the trial.json of a trial; None if it has none, or one of another training."""
    try:
        content = read_trial_json(trial_folder(study, trial))
    except ArtefactError:
        return None
    known = content.get("format") == FORMAT and content.get("fingerprint") == trial.fingerprint
    return content if known else None


def own_record(study: Path, trial: Trial) -> TrialRecord | None:
    """Return the record of a trial whose numbers stand in its own folder; None where none do."""
    path = trial_folder(study, trial) / NUMBERS
    try:
        return read_numbers(path).get(trial.id) if path.exists() else None
    except ArtefactError as error:
        logger.warning("%s", error)
        return None


def is_told(record: TrialRecord, content: Mapping[str, Any]) -> bool:
    """Whether a record is that whose hash a trial.json keeps."""
    told = tuple(content.get(name) for name in ("status", "infeasible_reason", "numbers_sha256"))
    return told == (record.status, record.reason, record.sha256)


def best_is_damaged(folder: Path) -> bool:
    """Whether the best checkpoint of a trial is not what was saved; it may have been removed."""
    saved = folder / "checkpoints"
    if not manifest_of(saved, BEST).exists():
        return False
    try:
        check_manifest(saved, BEST)
    except ArtefactError as error:
        logger.warning("%s; the trial counts as unfinished", error)
        return True
    return False


def pack_trials(
    study: Path, output: Path, trials: Iterable[Trial], records: Mapping[str, TrialRecord]
) -> None:
    """Write the pack of some finished trials, and say in their trial.json where it is.

    Args:
        study: The study's folder of results.
        output: The pack file, in that folder.
        trials: The trials of the pack.
        records: Their records, by id.
    """
    listed = list(trials)
    write_pack(output, {trial.id: records[trial.id] for trial in listed})
    place = output.relative_to(study).as_posix()
    for trial in listed:
        folder = trial_folder(study, trial)
        content = read_trial_json(folder)
        if content.get("pack") != place:
            write_trial_json(folder, content | {"pack": place})


def remove_own_numbers(study: Path, collected: Iterable[str]) -> None:
    """Remove the own numbers of trials that stand in a dataset and in a pack.

    Args:
        study: The study's folder of results.
        collected: The ids of the trials in the dataset.
    """
    for name in collected:
        numbers = study / "trials" / name / NUMBERS
        if numbers.exists():
            pack = read_trial_json(numbers.parent).get("pack")
            if pack and (study / pack).exists():
                numbers.unlink()
