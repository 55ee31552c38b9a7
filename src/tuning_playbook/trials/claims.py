"""No two processes train a trial at the same time: each claims its trials, and others wait.

Two jobs have the same trial where Snakemake was killed and began again while a job of its first run
went on, or where two users train one study into one folder of results. A claim is a lock on one
byte of a file, the trial's id being its place: it holds on every machine that shares the folder,
and ends with the process, however that comes about.
"""

import errno
import fcntl
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuning_playbook.trials.trial import Trial

logger = logging.getLogger(__name__)

CLAIMS = "trials.lock"
"""The file in the study's folder, which stays empty."""

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


def claimed_now(trials: Iterable[Trial], study: Path) -> frozenset[str] | None:
    """Return the ids of the trials that some process has at this moment.

    Args:
        trials: The trials in question.
        study: The study's folder of results.

    Returns:
        None where the file system knows no locks, so that nobody can say.
    """
    found = set()
    try:
        with (study / CLAIMS).open("rb") as file:
            for trial in trials:
                place = int(trial.id, 16)
                try:
                    # A shared lock, at once given back: nobody who claims the trial notices.
                    fcntl.lockf(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB, 1, place)
                    fcntl.lockf(file.fileno(), fcntl.LOCK_UN, 1, place)
                except (BlockingIOError, PermissionError):
                    found.add(trial.id)
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
        logger.info("waiting for another process that trains %s", trial.id)
        fcntl.lockf(file, fcntl.LOCK_EX, 1, place)
