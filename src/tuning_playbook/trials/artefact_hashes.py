"""The SHA-256 of every file that a job made; readers of the file check it.

    <study>/launch.json                 a file that a job made
    <study>/hashes/launch.json.sha256   its hash, and the trials that it holds if it is a pack

A job removes the hashes of its outputs when it begins and writes them when it ends, so a hash means
that the file is complete. A file without a hash is accepted: an earlier version made it. Nothing
here is heavy, because every run looks at all files when it begins.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import naming_storage, write_atomically
from tuning_playbook.trials.trial import pack_id
from tuning_playbook.trials.trial_json import read_trial_json

HASHES = "hashes"
"""The folder of the hashes in the study's folder."""

SUFFIX = ".sha256"

NOT_WHAT_WAS_WRITTEN = "it is not what its job wrote (its SHA-256 differs)"

OTHER_TRIALS = "it holds other trials than those of its name"

NO_PARTS: Mapping[str, str] = MappingProxyType({})

DEEPEST = 4
"""Most folders between a file and its study's folder."""


@dataclass(frozen=True)
class Damaged:
    """A file that must not be trusted.

    Attributes:
        file: The file.
        why: What is wrong, as the end of a sentence that begins with the file.
        edited: Whether it contains something that its job did not write, which somebody may want to
            see.
        trials: The ids of the trials in it, if it is whole but the record of one of them is lost;
            otherwise none.
    """

    file: Path
    why: str
    edited: bool
    trials: tuple[str, ...] = ()


def write_hash(
    study: Path, file: Path, *, trials: Iterable[str] = (), parts: Mapping[str, str] = NO_PARTS
) -> None:
    """Save the hash of a file that a job has made.

    Args:
        study: The folder of results that contains the file.
        file: The file.
        trials: The ids of the trials in it, if it is a pack: it is made again when the record of
            one is lost.
        parts: The hashes of further files that its job made, by their names in the study: it is
            made again when one of these is lost or damaged.
    """
    content = {"sha256": sha256_of(file), "trials": list(trials), "parts": dict(parts)}
    write_atomically(_hash_file(study, file), json.dumps(content) + "\n")


def remove_hash(study: Path, file: Path) -> None:
    """Remove the hash of a file that is about to be made."""
    _hash_file(study, file).unlink(missing_ok=True)


def has_hash(study: Path, file: Path) -> bool:
    """Return whether a file has a saved hash."""
    return _hash_file(study, file).exists()


def check_hash(file: Path) -> None:
    """Check that a file is what its job wrote; a file without a saved hash is not checked.

    Raises:
        ArtefactError: It is not.
    """
    for study in list(file.parents)[:DEEPEST]:
        kept = _read(_hash_file(study, file))
        if kept is not None:
            if not _is_whole(file, kept):
                raise ArtefactError(
                    f"{file}: {NOT_WHAT_WAS_WRITTEN}; run snakemake again: it is made again"
                )
            return


def find_damaged(study: Path) -> Iterator[Damaged]:
    """Yield the existing files of a study that are not what their jobs wrote.

    This includes a pack if the record of one of its trials is lost or damaged, and any file if one
    of its parts is.

    Args:
        study: A folder of results.
    """
    for file in hashed_files(study):
        kept = _read(_hash_file(study, file))
        if kept is None or not file.is_file():
            continue
        if not _is_whole(file, kept):
            if kept == _read(_hash_file(study, file)):  # else a job is making it now
                size = file.stat().st_size
                yield Damaged(file, NOT_WHAT_WAS_WRITTEN if size else "it is empty", bool(size))
            continue
        if kept["trials"] and _is_of_others(file, kept["trials"]):
            yield Damaged(file, OTHER_TRIALS, edited=True)
            continue
        lost = next(_lost(study, kept), None)
        if lost is not None:
            why = f"{lost}, which belongs to it, is lost or damaged"
            yield Damaged(file, why, edited=False, trials=tuple(kept["trials"]))
    yield from _packs_of_others(study)


def hashed_files(study: Path) -> Iterator[Path]:
    """Yield the files of a study with a saved hash, whether they exist or not.

    Args:
        study: A folder of results.
    """
    folder = study / HASHES
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        yield study / path.relative_to(folder).with_suffix("")


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with naming_storage(file), file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _packs_of_others(study: Path) -> Iterator[Damaged]:
    """Yield packs without a hash, such as copied ones, whose trials do not match their name.

    The job that collects them would refuse them, but only after all other trials have trained.
    """
    for file in sorted(study.glob("packs/*.nc")):
        if not has_hash(study, file):
            from tuning_playbook.trials.pack_file import read_pack  # noqa: PLC0415 - slow to import

            with contextlib.suppress(ArtefactError):  # its reader reports that it is not a pack
                if _is_of_others(file, read_pack(file)):
                    yield Damaged(file, OTHER_TRIALS, edited=True)


def _is_of_others(pack: Path, trials: Iterable[str]) -> bool:
    """Return whether a pack with a name made from its trials contains other trials."""
    return pack.parent.name == "packs" and pack_id(sorted(trials)) != pack.stem


def _lost(study: Path, kept: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a file's records and parts that are missing or changed."""
    for trial in kept["trials"]:
        try:
            read_trial_json(study / "trials" / trial)
        except ArtefactError:
            yield study / "trials" / trial / "trial.json"
    for name, sha256 in kept["parts"].items():
        if not (study / name).is_file() or sha256_of(study / name) != sha256:
            yield study / name


def _is_whole(file: Path, kept: Mapping[str, Any]) -> bool:
    try:
        return sha256_of(file) == str(kept["sha256"])
    except FileNotFoundError:
        return True  # Snakemake makes it, or reports that it is missing


def _read(path: Path) -> dict[str, Any] | None:
    """Return a file's saved hash and more; None if there is none that can be read."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        return {
            "sha256": str(content["sha256"]),
            "trials": list(map(str, content["trials"])),
            "parts": {str(name): str(sha256) for name, sha256 in content["parts"].items()},
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _hash_file(study: Path, file: Path) -> Path:
    return study / HASHES / f"{file.relative_to(study)}{SUFFIX}"
