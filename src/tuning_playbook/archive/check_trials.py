"""Check the trials of an unpacked archive against their fingerprints and their hashes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.archive import format_1
from tuning_playbook.errors import ArtefactError
from tuning_playbook.trials.manifest import BEST, SUFFIX, check_manifest, hash_of
from tuning_playbook.trials.pack_file import read_pack
from tuning_playbook.trials.record import TrialRecord
from tuning_playbook.trials.trial import ID_DIGITS, digest
from tuning_playbook.trials.trial_files import BEST_HASH, matches_trial_json
from tuning_playbook.trials.trial_json import is_as_written

PACKS = ("packs/*.nc", "rounds/*/*.nc", "reruns/*.nc", "set_back/*.nc")
"""The patterns of an archive's packs in its folder of results."""


def read_records(results: Path) -> dict[str, dict[str, Any]]:
    """Return every trial.json by the name of the trial's folder."""
    paths = sorted((results / "trials").glob("*/trial.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def read_packs(results: Path) -> dict[str, TrialRecord]:
    """Return the numbers of every trial in a pack, by its id."""
    paths = sorted(path for pattern in PACKS for path in results.glob(pattern))
    return {name: record for path in paths for name, record in read_pack(path).items()}


def check_trials(
    results: Path, records: Mapping[str, Mapping[str, Any]], packed: Mapping[str, TrialRecord]
) -> Iterator[str]:
    """Yield what is wrong with the records, the numbers and the checkpoints of the trials.

    Args:
        results: The folder of results.
        records: The trial.json of every trial, by id.
        packed: The numbers of every trial in a pack, by id.
    """
    for name, record in records.items():
        place = f"trials/{name}"
        fingerprint = digest(record["trial"])
        if record["fingerprint"] != fingerprint or fingerprint[:ID_DIGITS] != name:
            yield f"{place}/trial.json: the fingerprint is not that of the configuration"
        numbers = packed.get(name)
        if record.get("format", 1) == 1:
            yield from format_1.check_numbers(results, name, record, numbers)
        elif numbers is not None and not matches_trial_json(numbers, record):
            yield f"{place}: its numbers in its pack are not those that trial.json recorded"
        if not is_as_written(record):
            yield f"{place}/trial.json: it is not what was written (its own SHA-256 differs)"
        saved = hash_of(results / place / "checkpoints", BEST)
        if BEST_HASH in record and saved not in (None, record[BEST_HASH]):
            yield f"{place}/checkpoints/{BEST}: it is not the checkpoint that trial.json recorded"
    for manifest in sorted(results.glob(f"**/checkpoints/*{SUFFIX}")):
        try:
            check_manifest(manifest.parent, manifest.stem)
        except ArtefactError:
            folder = manifest.with_suffix("").relative_to(results).as_posix()
            yield f"{folder}: it is not the checkpoint that was saved"
    for model in _models(results / "models.json"):
        path = results / model["path"]
        if path.is_file() and _sha256(path) != model["sha256"]:
            yield f"{model['path']}: it is not the model that models.json recorded"


def _models(path: Path) -> list[Mapping[str, Any]]:
    """Return the entries of a models.json; in format 1 they are the whole file."""
    content = json.loads(path.read_text()) if path.is_file() else {}
    return list(content.get("models", content).values())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
