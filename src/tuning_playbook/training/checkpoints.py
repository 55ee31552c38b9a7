"""Orbax checkpoints with a manifest of our own: every file's SHA-256, checked before a restore.

Orbax restores most flipped bits without a word, so it is not asked to notice them.

    checkpoints/best/            the `keep_best` best variables, under `step_<number>`
    checkpoints/resume_<step>/   the whole state, while the trial trains
    checkpoints/<name>.sha256    the manifest; a checkpoint without one was never finished
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from tuning_playbook.errors import ArtefactError
from tuning_playbook.files import write_atomically

BEST = "best"
RESUME = "resume_"


def save(folder: Path, name: str, tree: Mapping[str, Any]) -> None:
    """Save a tree of arrays as the checkpoint `name`, whole or not at all.

    A checkpoint of that name is replaced. On return the files and their manifest are written.
    """
    target = folder.absolute() / name
    remove(folder, name)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(target, jax.tree.map(np.asarray, dict(tree)))
        checkpointer.wait_until_finished()
    write_atomically(_manifest(folder, name), _hashes(target))


def restore(folder: Path, name: str) -> dict[str, Any]:
    """Return the tree of NumPy arrays in a checkpoint whose files are as they were saved.

    Raises:
        ArtefactError: A file is missing, added or changed, or there is no manifest.
    """
    target = folder.absolute() / name
    try:
        expected = _manifest(folder, name).read_text()
    except OSError:
        raise ArtefactError(
            f"{target}: the checkpoint has no manifest; it was not finished"
        ) from None
    if _hashes(target) != expected:
        changed = sorted(set(expected.splitlines()) ^ set(_hashes(target).splitlines()))
        file = changed[0].partition("  ")[2]
        raise ArtefactError(
            f"{target / file}: the file is not what was saved (its SHA-256 differs from "
            f"{_manifest(folder, name).name}); remove {target} to train the trial again"
        )
    with ocp.StandardCheckpointer() as checkpointer:
        tree: dict[str, Any] = checkpointer.restore(target)
    return tree


def remove(folder: Path, name: str) -> None:
    """Remove a checkpoint, its manifest first, so that no half of it is taken for whole."""
    _manifest(folder, name).unlink(missing_ok=True)
    shutil.rmtree(folder / name, ignore_errors=True)


def resume_name(step: int) -> str:
    """Return the name of the checkpoint to resume from after `step`."""
    return f"{RESUME}{step}"


def resume_steps(folder: Path) -> list[int]:
    """Return the steps after which a trial can be resumed."""
    names = [path.name.removeprefix(RESUME) for path in folder.glob(f"{RESUME}*.sha256")]
    steps = [name.removesuffix(".sha256") for name in names]
    return [int(step) for step in steps if step.isdecimal()]


def remove_resumes(folder: Path) -> None:
    """Remove every state that the trial could be resumed from, finished or not."""
    for path in folder.glob(f"{RESUME}*"):
        remove(folder, path.name.removesuffix(".sha256"))


def _manifest(folder: Path, name: str) -> Path:
    return folder / f"{name}.sha256"


def _hashes(target: Path) -> str:
    """Return the manifest of a folder, in the form that `sha256sum --check` reads."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(target)}"
        for path in sorted(target.rglob("*"))
        if path.is_file()
    ]
    return "\n".join(lines) + "\n"
