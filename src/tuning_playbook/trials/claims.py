"""No two processes train a trial at the same time: each claims its trials, and others wait.

Two jobs may have the same trial if Snakemake was killed and restarted while a job of its first run
continued, or if two users train one study in one folder of results. A claim is a lock on one byte
of a file, at an offset made from the trial's id. It works on every machine that shares the folder,
and ends with the process, however that ends.
"""

import errno
import fcntl
import logging
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuning_playbook.trials.trial import Trial

logger = logging.getLogger(__name__)

CLAIMS = "trials.lock"
"""The lock file in the study's folder; it stays empty."""

LOCK = "hhqqi4x"
"""The `struct flock` of 64-bit Linux."""

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""Errors that a file system without locks reports."""


@contextmanager
def claimed(trials: Sequence[Trial], study: Path) -> Iterator[None]:
    """Hold a claim on these trials; wait first until no other process has one of them.

    Args:
        trials: The trials of a pack.
        study: The study's folder of results.
    """
    study.mkdir(parents=True, exist_ok=True)
    with (study / CLAIMS).open("a+b") as file:
        # In the same order everywhere, so that no two processes wait for each other.
        for trial in sorted({item.id: item for item in trials}.values(), key=lambda t: t.id):
            try:
                _claim(file.fileno(), trial)
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                logger.warning(
                    "%s knows no locks (%s): make sure that no other job trains the same trials",
                    study,
                    error.strerror,
                )
                break
        yield


def claimed_now(trials: Iterable[str], study: Path) -> frozenset[str] | None:
    """Return the ids of the trials that some process is training now.

    Args:
        trials: The ids of the trials in question.
        study: The study's folder of results.

    Returns:
        The ids; None if the file system has no locks, so that nobody can know.
    """
    found = set()
    try:
        with (study / CLAIMS).open("rb") as file:
            for trial in trials:
                place = int(trial, 16)
                try:
                    # A shared lock, released at once, which no claiming process notices.
                    fcntl.lockf(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB, 1, place)
                    fcntl.lockf(file.fileno(), fcntl.LOCK_UN, 1, place)
                except (BlockingIOError, PermissionError):
                    found.add(trial)
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return frozenset(found)


def _claim(file: int, trial: Trial) -> None:
    place = int(trial.id, 16)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except (BlockingIOError, PermissionError):
        logger.warning("waiting for %s, which trains %s", _holder(file, place), trial.id)
        fcntl.lockf(file, fcntl.LOCK_EX, 1, place)


def _holder(file: int, place: int) -> str:
    """Return who holds a lock, if this machine can know."""
    asked = struct.pack(LOCK, fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
    try:
        kind, _, _, _, process = struct.unpack(LOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except (OSError, struct.error):
        return "another process"
    known = kind != fcntl.F_UNLCK and process > 0
    return f"process {process}" if known else "another process, maybe of another machine"
