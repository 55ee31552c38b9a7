"""Files that are written whole or not at all (under another name, then renamed); the cache."""

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuning_playbook.errors import StorageError

FORMAT = 1
"""The format number of a study's JSON files and datasets that have no number of their own."""


STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.ESTALE)
"""The error numbers of a system whose storage is full, over its quota, or broken."""

OF_NETCDF = ("NetCDF: HDF error", "NetCDF: I/O failure", "No space left on device")
"""What netCDF says then, in a RuntimeError."""

REMEDY = (
    "the storage failed, not the study: make room, or see to the quota or the disk, and run "
    "snakemake again, which keeps what is finished"
)


@contextmanager
def atomic(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` if the block succeeds.

    The folder is created if needed. After a failure no temporary file is left, and `path` is as
    it was before.

    Args:
        path: The file.
        lasting: Whether the file must survive a power cut right after it was written.

    Raises:
        StorageError: The storage fails.
    """
    with naming_storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)  # mkstemp gives access to the owner alone
            if lasting:
                flush(temporary)
            temporary.replace(path)
            if lasting:
                flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def naming_storage(path: Path) -> Iterator[None]:
    """Raise an error of the storage as `StorageError`, with the path that was read or written.

    Raises:
        StorageError: The block raised such an error.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        told = storage_error(error, path)
        if told is None:
            raise
        raise told from error


def storage_error(error: BaseException, path: Path | None = None) -> StorageError | None:
    """Return a failure of the storage in an exception as a `StorageError`; None if it is none.

    Args:
        error: The exception.
        path: What was read or written, where the exception does not say.
    """
    if isinstance(error, StorageError):
        return None
    if isinstance(error, OSError) and error.errno in STORAGE:
        said = str(error.strerror)
    elif isinstance(error, RuntimeError) and any(words in str(error) for words in OF_NETCDF):
        said = str(error)
    else:
        return None
    where = path or getattr(error, "filename", None) or "a file"
    return StorageError(f"{where}: {said}; {REMEDY}")


def flush(path: Path) -> None:
    """Flush the content of a file to its disk, whatever wrote it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to its disk, where the file system supports that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems do not support it
            os.fsync(handle)
    finally:
        os.close(handle)


def cache_folder() -> Path:
    """Return this project's folder in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tuning-playbook"


def keep_cached(path: Path, content: bytes) -> None:
    """Write a file of the cache, with its SHA-256 in front.

    A cache that cannot be written only costs time, so nothing is raised.
    """
    with contextlib.suppress(OSError):
        line = f"{hashlib.sha256(content).hexdigest()}\n".encode()
        write_atomically(path, line + content, lasting=False)


def read_cached(path: Path) -> bytes | None:
    """Return what `keep_cached` wrote; None where there is no such file, or it was changed."""
    try:
        line, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if line == hashlib.sha256(content).hexdigest().encode() else None


def write_atomically(path: Path, content: str | bytes, *, lasting: bool = True) -> None:
    """Write `content` to `path`, whole or not at all; see `atomic`."""
    with atomic(path, lasting=lasting) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with its format number, whole or not at all."""
    write_atomically(path, json.dumps({"format": FORMAT, **content}, indent=1) + "\n")
