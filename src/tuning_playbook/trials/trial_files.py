"""The files of a finished trial in its folder, without its checkpoints, and its numbers.

    trials/<trial>/trial.json    configuration, fingerprint, status, provenance; written last
    trials/<trial>/numbers.npz   its numbers, until they are collected

A trial is finished if its trial.json has the same fingerprint and if its numbers exist and have the
hash in trial.json. numbers.npz is removed once the trial is in its pack and in a dataset of
the study, but not earlier: Snakemake removes the pack of a job whose end it did not see.
Reading and writing these files needs no JAX, so a job that keeps all its trials is quick.
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
    HASHED_FORMATS,
    read_trial_json,
    write_trial_json,
)

logger = logging.getLogger(__name__)

NUMBERS = "numbers.npz"

BEST_HASH = "best_sha256"
"""The key in trial.json of the hash of the trial's best checkpoint."""


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
    """Write a finished trial; its trial.json comes last and shows that everything else exists.

    Args:
        study: The study's folder of results.
        trial: The trial.
        record: Its numbers.
        kept_steps: The steps of the best checkpoints that are kept.
        provenance: What differs between runs: dates, times, machine, versions.
        pack: The path of its pack in the study's folder; empty if it is not known.
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
    """Return the hash of a trial's best checkpoint under its key in trial.json.

    Args:
        folder: The trial's folder.
    """
    found = hash_of(folder / "checkpoints", BEST)
    return {} if found is None else {BEST_HASH: found}


def check_best(folder: Path) -> None:
    """Check that the best checkpoint of a trial is what was saved, and belongs to the trial.

    Args:
        folder: The trial's folder.

    Raises:
        ArtefactError: It is not.
    """
    saved = folder / "checkpoints"
    check_manifest(saved, BEST)
    if read_trial_json(folder).get(BEST_HASH) not in (None, hash_of(saved, BEST)):
        raise ArtefactError(f"{saved / BEST}: it is not the checkpoint of this trial")


def current_trial_json(study: Path, trial: Trial) -> dict[str, Any] | None:
    """Return a trial's trial.json; None if there is none, or if it is of another training."""
    try:
        content = read_trial_json(trial_folder(study, trial))
    except ArtefactError:
        return None
    known = (
        content.get("format") in HASHED_FORMATS and content.get("fingerprint") == trial.fingerprint
    )
    return content if known else None


def own_record(study: Path, trial: Trial) -> TrialRecord | None:
    """Return the record of a trial from its own folder; None if its numbers are not there."""
    path = trial_folder(study, trial) / NUMBERS
    try:
        return read_numbers(path).get(trial.id) if path.exists() else None
    except ArtefactError as error:
        logger.warning("%s", error)
        return None


def matches_trial_json(record: TrialRecord, content: Mapping[str, Any]) -> bool:
    """Return whether a record has the status, the reason and the hash in a trial.json."""
    told = tuple(content.get(name) for name in ("status", "infeasible_reason", "numbers_sha256"))
    return told == (record.status, record.reason, record.sha256)


def best_is_damaged(folder: Path) -> bool:
    """Return whether a trial's best checkpoint is not what was saved; it may have been removed."""
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
    """Write the pack of some finished trials with its hash; record its path in their trial.json.

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
    """Remove the numbers in the folders of trials that are in a dataset and in a pack.

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
