"""The manifest of a checkpoint: the SHA-256 of every file, checked before anything is restored.

Orbax restores most flipped bits without an error, so we check them ourselves. A check needs nothing
heavy, so a job that keeps all its trials is quick.

    checkpoints/<name>/         the checkpoint
    checkpoints/<name>.sha256   its manifest; a checkpoint without one is incomplete
"""

import hashlib
import shutil
from pathlib import Path

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import flush, flush_folder, write_atomically

BEST = "best"
"""The name of the checkpoint of a finished trial."""

SUFFIX = ".sha256"

NOTE_OF_ORBAX = "commit_success.txt"
"""A file in a checkpoint that Orbax writes and does not read: it contains the folder's name."""


def write_manifest(folder: Path, name: str) -> None:
    """Write the hashes of a checkpoint's files, after all of them are written to the disk."""
    for path in (folder / name).rglob("*"):
        flush_folder(path) if path.is_dir() else flush(path)
    flush_folder(folder / name)
    write_atomically(manifest_of(folder, name), _hashes(folder / name))


def check_manifest(folder: Path, name: str) -> None:
    """Check that the files of a checkpoint are as they were saved.

    Raises:
        ArtefactError: A file is missing, added or changed, or there is no manifest.
    """
    target = folder / name
    try:
        expected = manifest_of(folder, name).read_text()
    except OSError:
        raise ArtefactError(
            f"{target}: the checkpoint has no manifest; it was not finished"
        ) from None
    found = _hashes(target)
    if found != expected:
        changed = sorted(set(expected.splitlines()) ^ set(found.splitlines()))
        file = changed[0].partition("  ")[2]
        raise ArtefactError(
            f"{target / file}: the file is not what was saved (its SHA-256 differs from "
            f"{manifest_of(folder, name).name})"
        )


def remove(folder: Path, name: str) -> None:
    """Remove a checkpoint, its manifest first, so that half of it never counts as complete."""
    manifest_of(folder, name).unlink(missing_ok=True)
    shutil.rmtree(folder / name, ignore_errors=True)


def manifest_of(folder: Path, name: str) -> Path:
    """Return the file that holds the manifest of a checkpoint."""
    return folder / f"{name}{SUFFIX}"


def hash_of(folder: Path, name: str) -> str | None:
    """Return the hash of a checkpoint's contents from its manifest; None if there is none.

    It does not depend on where the checkpoint is.
    """
    try:
        manifest = manifest_of(folder, name).read_text()
    except FileNotFoundError:
        return None
    return hashlib.sha256(without_note(manifest).encode()).hexdigest()


def without_note(manifest: str) -> str:
    """Return a manifest without the file that contains its folder's name."""
    lines = manifest.splitlines(keepends=True)
    return "".join(line for line in lines if not line.endswith(f"  {NOTE_OF_ORBAX}\n"))


def _hashes(target: Path) -> str:
    """Return the manifest of a folder, in the form that `sha256sum --check` reads."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(target)}"
        for path in sorted(target.rglob("*"))
        if path.is_file()
    ]
    return "\n".join(lines) + "\n"
