"""Orbax checkpoints, each with a manifest that we write ourselves.

checkpoints/best/            the `keep_best` best variables, under `step_<number>`
checkpoints/resume_<step>/   the whole state, while the trial trains
checkpoints/<name>.sha256    the manifest
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tuning_playbook.errors import ArtefactError, StorageError, TuningPlaybookError
from tuning_playbook.files import REMEDY, naming_storage
from tuning_playbook.trials.manifest import BEST, check_manifest, remove, write_manifest

_ONE_AT_A_TIME = threading.Lock()
"""Orbax numbers its saves for the whole process; two saves at once wait for each other's
signals."""


def save(folder: Path, name: str, tree: Mapping[str, Any]) -> None:
    """Save a tree of arrays as the checkpoint `name`, whole or not at all.

    A checkpoint of that name is replaced. On return the files and their manifest are written.

    Raises:
        StorageError: It cannot be written. The state of any trial is arrays, so the trial's
            configuration is not the cause.
    """
    target = folder.absolute() / name
    remove(folder, name)
    arrays = jax.tree.map(np.asarray, dict(tree))
    with _naming(target, "saved"):
        with _checkpointer() as checkpointer:
            checkpointer.save(target, arrays)
            checkpointer.wait_until_finished()
        write_manifest(folder.absolute(), name)


def restore(folder: Path, name: str, like: Any = None) -> dict[str, Any]:
    """Return the tree of NumPy arrays in a checkpoint whose files are as they were saved.

    Args:
        folder: The trial's `checkpoints`.
        name: The name of the checkpoint: `best`, `weights`.
        like: The variables as `init` returns them, or their shapes. Needed for trees that contain
            modules, states or tuples; the result then has the same structure.

    Raises:
        ArtefactError: A file is missing, added or changed, or there is no manifest; or the
            checkpoint holds other arrays than `like`.
        StorageError: The files are as they were saved, but cannot be restored.
    """
    with _naming(folder.absolute() / name, "restored"):
        check_manifest(folder.absolute(), name)
    with _checkpointer() as checkpointer:
        with _naming(folder.absolute() / name, "restored"):
            tree: dict[str, Any] = checkpointer.restore(folder.absolute() / name)
        if like is None:
            return tree
        target = jax.tree.map(lambda leaf: np.zeros(np.shape(leaf), leaf.dtype), like)
        wanted = dict.fromkeys(tree, target) if name == BEST else target
        other = (
            f"{folder / name}: holds other arrays than 'like' has; give the variables that init "
            "returns for the trial's hyperparameters"
        )
        if _shapes(wanted) != _shapes(tree):  # Orbax would cut arrays, or fill them up
            raise ArtefactError(other)
        try:
            made: dict[str, Any] = checkpointer.restore(folder.absolute() / name, wanted)
        except (ValueError, TypeError, KeyError) as error:
            raise ArtefactError(f"{other} ({' '.join(str(error).split())})") from None
    return made


@contextlib.contextmanager
def _naming(target: Path, done: str) -> Iterator[None]:
    """Raise what Orbax or the system reports about the storage as a StorageError with the path.

    Orbax passes storage errors on as exceptions of any type: a full disk as a ValueError.
    """
    try:
        with naming_storage(target):
            yield
    except TuningPlaybookError:
        raise
    except Exception as error:  # of any type, see above
        said = " ".join(str(error).split()) or type(error).__name__
        raise StorageError(
            f"{target}: the checkpoint cannot be {done} ({said[:300]}); {REMEDY}"
        ) from error


def _shapes(tree: Any) -> list[tuple[int, ...]]:
    """Return the shapes of a tree's arrays, whatever the tree is made of."""
    return sorted(np.shape(leaf) for leaf in jax.tree.leaves(tree))


@contextlib.contextmanager
def _checkpointer() -> Iterator[Any]:
    """Yield the only checkpointer that is in use now, for this process alone.

    Processes that train together each have all variables whole. So the first one saves, and the
    others need not wait in Orbax.
    """
    # Importing it takes some tenths of a second; a trial that trains meanwhile hides that.
    import orbax.checkpoint as ocp  # noqa: PLC0415

    own = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=own, active_processes={own}, barrier_sync_key_prefix=f"process_{own}"
    )
    options = {"multiprocessing_options": alone} if jax.process_count() > 1 else {}
    with _ONE_AT_A_TIME, ocp.StandardCheckpointer(**options) as checkpointer:
        yield checkpointer
