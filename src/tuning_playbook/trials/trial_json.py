"""The record of a trial in its folder, trial.json, which contains its own hash.

Reading and writing it needs nothing heavy: every run reads the records of all packs first.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from tuning_playbook.errors import ArtefactError, StorageError
from tuning_playbook.files import naming_storage, write_atomically
from tuning_playbook.trials.record import Status

FORMAT = 3
"""The format of trial.json; a file without one is of format 1. Format 2 had neither the hash of the
record itself nor that of the best checkpoint."""

HASHED_FORMATS = (2, FORMAT)
"""The formats that contain the hash of a trial's numbers."""

OWN_HASH = "sha256"
"""The key of the hash of the rest of the record."""

KEYS = ("trial", "fingerprint", "status", "infeasible_reason", "numbers_sha256", "provenance")
"""The keys of every trial's record since format 2."""


def write_trial_json(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the trial.json in the folder of a trial, with its own hash."""
    write_atomically(folder / "trial.json", trial_json(content))


def trial_json(content: Mapping[str, Any]) -> str:
    """Return the text of a trial.json, with the hash of its content."""
    whole = {**content, OWN_HASH: _hash_of(content)}
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def read_trial_json(folder: Path) -> dict[str, Any]:
    """Return the trial.json in the folder of a finished trial, without its own hash.

    Raises:
        ArtefactError: It is missing or damaged.
    """
    path = folder / "trial.json"
    try:
        with naming_storage(path):
            content = json.loads(path.read_text())
    except StorageError:
        raise
    except (OSError, ValueError) as error:
        raise _damaged(path, f"cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise _damaged(path, "is no JSON object")
    missing = [key for key in KEYS if key not in content]
    if missing and "format" in content:
        raise _damaged(path, f"has no '{missing[0]}'")
    if not is_as_written(content):
        raise _damaged(path, "is not what was written (its own SHA-256 differs)")
    if content.get("status") not in get_args(Status):
        raise _damaged(path, f"has the unknown status '{content.get('status')}'")
    content.pop(OWN_HASH, None)
    return content


def is_as_written(content: Mapping[str, Any]) -> bool:
    """Return whether a record matches its own hash; records of earlier versions have none."""
    if OWN_HASH not in content and content.get("format", 1) in (1, 2):
        return True
    return bool(content.get(OWN_HASH) == _hash_of(content))


def _damaged(path: Path, what: str) -> ArtefactError:
    return ArtefactError(
        f"{path}: the record of the trial {what}; run snakemake again: the trial is trained again"
    )


def _hash_of(content: Mapping[str, Any]) -> str:
    """Return the hash of a record without its own hash, however it is laid out."""
    rest = {name: value for name, value in content.items() if name != OWN_HASH}
    written = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return the provenance of the finished trial in a folder."""
    provenance: dict[str, Any] = read_trial_json(folder)["provenance"]
    return provenance
