"""What a finished trial leaves in its folder, beside its checkpoints, and where its numbers stand.

    trials/<trial>/trial.json    configuration, fingerprint, status, provenance; written last
    trials/<trial>/numbers.npz   its numbers, until they are collected

A trial whose trial.json names the same fingerprint is finished if its numbers can be found and have
the hash that trial.json keeps. When its pack is in a dataset of the study they stand in these two,
and not before: Snakemake removes the pack of a job that it did not see end.
Reading and writing these needs no JAX, so a job that keeps all its trials is quick.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.artefact_hashes import write_hash
from tuning_playbook.trials.manifest import BEST, check_manifest, hash_of, manifest_of
from tuning_playbook.trials.pack_file import read_numbers, write_numbers, write_pack
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.trial import Trial
from tuning_playbook.trials.trial_json import (
    FORMAT,
    TOLD_FORMATS,
    read_trial_json,
    write_trial_json,
)

logger = logging.getLogger(__name__)

NUMBERS = "numbers.npz"

BEST_HASH = "best_sha256"
"""Where the record of a trial keeps the hash of its best checkpoint."""


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
        **best_hash(folder),
    }
    write_trial_json(folder, content | ({"pack": pack} if pack else {}))


def best_hash(folder: Path) -> dict[str, str]:
    """Return what the record of a trial says of its best checkpoint, by its key there.

    Args:
        folder: The trial's.
    """
    found = hash_of(folder / "checkpoints", BEST)
    return {} if found is None else {BEST_HASH: found}


def check_best(folder: Path) -> None:
    """Check that the best checkpoint of a trial is what was saved, and of this trial.

    Args:
        folder: The trial's.

    Raises:
        ArtefactError: It is not.
    """
    saved = folder / "checkpoints"
    check_manifest(saved, BEST)
    if read_trial_json(folder).get(BEST_HASH) not in (None, hash_of(saved, BEST)):
        raise ArtefactError(f"{saved / BEST}: it is not the checkpoint of this trial")


def told_of(study: Path, trial: Trial) -> dict[str, Any] | None:
    """Return the trial.json of a trial; None if it has none, or one of another training."""
    try:
        content = read_trial_json(trial_folder(study, trial))
    except ArtefactError:
        return None
    known = (
        content.get("format") in TOLD_FORMATS and content.get("fingerprint") == trial.fingerprint
    )
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
    if not manifest_of(folder / "checkpoints", BEST).exists():
        return False
    try:
        check_best(folder)
    except ArtefactError as error:
        logger.warning("%s; the trial is trained again", error)
        return True
    return False


def pack_trials(
    study: Path, output: Path, trials: Iterable[Trial], records: Mapping[str, TrialRecord]
) -> None:
    """Write the pack of some finished trials with its hash; their trial.json says where it is.

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
    write_hash(study, output, trials=[trial.id for trial in listed])


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
