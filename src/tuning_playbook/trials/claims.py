"""No two processes train a trial at the same time: each claims its trials, and others wait.

Two jobs have the same trial where Snakemake was killed and began again while a job of its first run
went on, or where two users train one study into one folder of results. A claim is a lock on one
byte of a file, the trial's id being its place: it holds on every machine that shares the folder,
and ends with the process, however that comes about.
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
"""The file in the study's folder, which stays empty."""

LOCK = "hhqqi4x"
"""The `struct flock` of Linux on machines of 64 bits."""

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a file system answers that knows no locks."""


@contextmanager
def claimed(trials: Sequence[Trial], study: Path) -> Iterator[None]:
    """Keep these trials from every other process, once none has one of them.

    Args:
        trials: The trials of a pack.
        study: The study's folder of results.
    """
    study.mkdir(parents=True, exist_ok=True)
    with (study / CLAIMS).open("a+b") as file:
        # In one order everywhere, so that no two processes wait for each other.
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
    """Return the ids of the trials that some process has at this moment.

    Args:
        trials: The ids of the trials in question.
        study: The study's folder of results.

    Returns:
        None where the file system knows no locks, so that nobody can say.
    """
    found = set()
    try:
        with (study / CLAIMS).open("rb") as file:
            for trial in trials:
                place = int(trial, 16)
                try:
                    # A shared lock, at once given back: nobody who claims the trial notices.
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
    """Return who has a lock, as far as this machine can say."""
    asked = struct.pack(LOCK, fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
    try:
        kind, _, _, _, process = struct.unpack(LOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except (OSError, struct.error):
        return "another process"
    known = kind != fcntl.F_UNLCK and process > 0
    return f"process {process}" if known else "another process, maybe of another machine"
