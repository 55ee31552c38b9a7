"""What a run does before it plans its jobs: it moves files away that cannot be trusted.

Snakemake looks at the times of files, not at their content. So a file that is not what its job
wrote is moved away, and is made again like any other missing file. A time in the future is reset,
so that it does not make a file newer than its inputs.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tuning_playbook.trials.artefact_hashes import find_damaged, hashed_files

GiveBack = Callable[[Path, Iterable[str]], None]

EDITED = ".damaged"
"""The ending of a moved file whose content is not what its job wrote.

A number follows where such a file exists already.
"""

LONG_AGO = 86400.0
"""The time given to a file whose own is wrong: in 1970, older than all its inputs."""

CLOCKS_DIFFER = 5.0
"""Seconds by which the clock of a file server may be ahead."""


def folders_of(results: Path, names: Iterable[str]) -> Iterator[Path]:
    """Yield the folders of results that may have files from jobs.

    Args:
        results: The folder of all results.
        names: The names of studies and procedures.
    """
    yield results
    for name in names:
        folder = results / name
        yield folder
        rounds = [path for path in folder.glob("rounds/*") if path.name.isdecimal()]
        yield from sorted(rounds, key=lambda path: int(path.name))


def give_way(folder: Path, give_back: GiveBack, *, dry: bool) -> Iterator[str]:
    """Move the files of a study away that cannot be trusted; yield a message for each.

    Args:
        folder: A folder of results.
        give_back: Called with a pack's folder and its trials before the pack is moved, so that the
            other trials keep the numbers that they have in it.
        dry: Whether to yield the messages only, as where no job runs.
    """
    for damaged in list(find_damaged(folder)):
        kept = _free_name(damaged.file) if damaged.edited else None
        if not dry:
            if damaged.trials:
                give_back(folder, damaged.trials)
            if kept:
                damaged.file.replace(kept)
            else:
                damaged.file.unlink(missing_ok=True)
        aside = f"; what it held is kept as {kept.name}" if kept else ""
        yield f"{damaged.file}: {damaged.why}, so it is made again{aside}"
    latest = time.time() + CLOCKS_DIFFER
    for path in (*hashed_files(folder), *(folder / "current").glob("*-*")):
        if path.is_file() and path.stat().st_mtime > latest:
            is_stamp = path.parent.name == "current"
            if not dry:
                os.utime(path, None if is_stamp else (LONG_AGO, LONG_AGO))
            if not is_stamp:
                yield f"{path}: it is dated in the future, so its inputs are looked at again"


def _free_name(file: Path) -> Path:
    """Return the first unused name beside a damaged file."""
    numbers = itertools.chain([""], itertools.count(2))
    paths = (file.with_name(f"{file.name}{EDITED}{number}") for number in numbers)
    return next(path for path in paths if not path.exists())
