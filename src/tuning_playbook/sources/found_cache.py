"""What was found in a source, kept for the next time that the study is planned.

Every job of a cluster plans the study again. What a source holds depends on its files, on the spec
and on the code that reads; while none of these has changed, the trials come from the user's cache.
It holds JSON and plain numbers, nothing that could be run, and needs no NumPy.
"""

import glob
import hashlib
import itertools
import json
import sys
import time
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuning_playbook import sources, study, trials
from tuning_playbook.files import cache_folder, keep_cached, read_cached
from tuning_playbook.sources.checks import Written
from tuning_playbook.sources.foreign_files import MOST_FILES
from tuning_playbook.sources.found import Found
from tuning_playbook.study.distributions import Distribution
from tuning_playbook.trials.imported_trial import ImportedTrial
from tuning_playbook.trials.record import Curves, TrialRecord

LEAST_BYTES = 2**18
"""Smaller sources are read as soon as their cache would be."""

SETTLED_SECONDS = 2.0
"""A file that changed less than this before it was looked at may change again unseen: file systems
tell times in steps."""

Stamp = list[str | int]


def stamps_of(places: Sequence[Path]) -> list[Stamp]:
    """Return what shows whether a source has changed: its files, with sizes and times.

    Args:
        places: Its files and folders. What databases write beside a file belongs to it.

    Returns:
        Nothing where there are more files than a source can have.
    """
    files: dict[Path, None] = {}
    for place in places:
        if place.is_dir():
            found = sorted(itertools.islice(place.rglob("*"), MOST_FILES))
        else:
            found = [place, *place.parent.glob(f"{glob.escape(place.name)}-*")]
        files |= dict.fromkeys(found)
    return [_stamp(path) for path in files] if len(files) < MOST_FILES else []


def read_found(written: Written, stamps: Sequence[Stamp]) -> Found | None:
    """Return what the source held when it was read before; None if anything has changed.

    Args:
        written: The spec.
        stamps: Of the source's files, as they are now.
    """
    try:
        data = read_cached(_file(written)) or b""
        end = data.index(b"\n")
        header = json.loads(data[:end])
        if not stamps or header["depends"] != _depends(written, stamps):
            return None
        return _found(header["found"], memoryview(data)[end + 1 :])
    except (ValueError, KeyError, TypeError):  # no cache, or one of another version
        return None


def keep_found(written: Written, stamps: Sequence[Stamp], found: Found) -> None:
    """Keep what a source held, where reading it again takes long.

    Args:
        written: The spec.
        stamps: Of the source's files, before they were read.
        found: What was found.
    """
    newest = max((int(stamp[2]) for stamp in stamps), default=0)
    settled = newest / 1e9 < time.time() - SETTLED_SECONDS
    if not settled or sum(int(stamp[1]) for stamp in stamps) < LEAST_BYTES:
        return
    numbers: list[bytes] = []
    header = {"depends": _depends(written, stamps), "found": _written(found, numbers)}
    keep_cached(_file(written), b"".join([json.dumps(header).encode(), b"\n", *numbers]))


def _file(written: Written) -> Path:
    """Return the file of a spec's cache: a changed spec takes the place of the old one."""
    key = "\0".join([str(written.path.resolve()), sys.executable, __file__])
    return cache_folder() / "sources" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.bin"


def _depends(written: Written, stamps: Sequence[Stamp]) -> dict[str, Any]:
    code = [
        _stamp(path)
        for room in (sources, study, trials)
        for path in sorted(Path(str(room.__file__)).parent.glob("*.py"))
    ]
    text = hashlib.sha256(written.text.encode()).hexdigest()
    return {"spec": text, "files": list(stamps), "code": code, "byteorder": sys.byteorder}


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return [str(path), -1, -1, -1]
    return [
        str(path),
        status.st_size,
        max(status.st_mtime_ns, status.st_ctime_ns),
        status.st_mtime_ns,
    ]


def _written(found: Found, numbers: list[bytes]) -> dict[str, Any]:
    """Return what was found as JSON; its numbers are added to a list."""
    return {
        "trials": [_written_trial(trial, numbers) for trial in found.trials],
        "description": found.description,
        "notes": found.notes,
        "unread": found.unread,
        "left_out": dict(found.left_out),
        "ranges": {
            name: [item.kind, item.low, item.high, item.choices]
            for name, item in found.ranges.items()
        },
        "inverted": sorted(found.inverted),
        "begun_again": found.begun_again,
    }


def _found(content: Mapping[str, Any], numbers: memoryview) -> Found:
    reading = _Numbers(numbers)
    return Found(
        trials=tuple(_trial(item, reading) for item in content["trials"]),
        description=content["description"],
        notes=tuple(content["notes"]),
        unread=tuple(content["unread"]),
        left_out=content["left_out"],
        ranges={
            name: Distribution(kind, low, high, tuple(choices))
            for name, (kind, low, high, choices) in content["ranges"].items()
        },
        inverted=frozenset(content["inverted"]),
        begun_again=content["begun_again"],
    )


def _written_trial(trial: ImportedTrial, numbers: list[bytes]) -> dict[str, Any]:
    record = trial.record
    return {
        "name": trial.name,
        "where": trial.where,
        "seed": trial.seed,
        "seed_told": trial.seed_told,
        "hyperparameters": dict(trial.hyperparameters),
        "study": trial.study,
        "ended": trial.ended,
        "provenance": trial.provenance,
        "record": [record.fingerprint, record.status, record.reason],
        "evaluations": _written_curves(record.evaluations, numbers),
        "logged": _written_curves(record.logged, numbers),
    }


def _trial(item: Mapping[str, Any], numbers: "_Numbers") -> ImportedTrial:
    fingerprint, status, reason = item["record"]
    about = {
        name: item[name]
        for name in ("name", "where", "seed", "seed_told", "hyperparameters", "study", "ended")
    }
    evaluations = _curves(item["evaluations"], numbers)
    logged = _curves(item["logged"], numbers)
    record = TrialRecord(fingerprint, status, reason, evaluations, logged)
    return ImportedTrial(**about, provenance=item["provenance"], record=record)


def _written_curves(curves: Curves, numbers: list[bytes]) -> dict[str, Any]:
    numbers.append(array("q", curves.steps).tobytes())
    numbers += [array("d", curves.values[name]).tobytes() for name in curves.values]
    return {"steps": len(curves.steps), "names": [*curves.values]}


def _curves(content: Mapping[str, Any], numbers: "_Numbers") -> Curves:
    count = content["steps"]
    steps = numbers.next("q", count)
    return Curves(steps, {name: numbers.next("d", count) for name in content["names"]})


class _Numbers:
    """Numbers of eight bytes, one after another."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def next(self, kind: str, count: int) -> tuple[Any, ...]:
        """Return that many more of them.

        Raises:
            ValueError: There are not that many.
        """
        found = array(kind)
        found.frombytes(self._data[self._at : self._at + 8 * count])
        if len(found) != count:
            raise ValueError("the file is cut off")
        self._at += 8 * count
        return tuple(found)
