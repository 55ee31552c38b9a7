"""Check an archive: its layout, its hashes, and that each part follows from the part before it."""

import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tuning_playbook.archive.bag import PAYLOAD, check_bag
from tuning_playbook.archive.check_account import check_account
from tuning_playbook.archive.check_datasets import check_checkpoints, check_dataset
from tuning_playbook.archive.check_decision import check_decision
from tuning_playbook.archive.check_trials import PACKS, check_trials, read_packs, read_records
from tuning_playbook.archive.contents import FORMATS, RESULTS
from tuning_playbook.archive.zip_layout import unpack
from tuning_playbook.errors import ArchiveError, TuningPlaybookError
from tuning_playbook.trials.record import TrialRecord

Found = TypeVar("Found")

DATASETS = ("study.nc", "reruns.nc", "replicates.nc", "set_back.nc")
"""The datasets that are collected from packs."""

UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError, RuntimeError),
    *(TypeError, ValueError, TuningPlaybookError),
)
"""What reading a file raises that is not what its name says."""


@dataclass(frozen=True)
class Verified:
    """What an archive was found to be.

    Attributes:
        files: How many files it holds.
        trials: How many trials and reruns.
        problems: What is wrong with it; nothing, if it is whole.
    """

    files: int
    trials: int
    problems: tuple[str, ...]


def verify(archive: Path) -> Verified:
    """Check an archive; nothing of it is run, and nothing stays of it but the answer.

    Raises:
        ArchiveError: It is no archive, it is cut off, or it is not safe to unpack.
    """
    with tempfile.TemporaryDirectory(prefix="tuning-playbook-") as folder:
        bag, files = unpack_bag(archive, Path(folder))
        problems = list(check_bag(bag))
        # Only files that are what was archived are looked into.
        if problems:
            return Verified(files, 0, tuple(problems))
        about = _reading("archive.json", lambda: read_about(bag), problems)
        results = bag / PAYLOAD / RESULTS
        records = _reading("trials", lambda: read_records(results), problems)
        if about is None or records is None:
            return Verified(files, 0, tuple(problems))
        packed = _reading("packs", lambda: read_packs(results), problems)
        if packed is None:
            return Verified(files, len(records), tuple(problems))
        for what, check in _checks(bag / PAYLOAD, about, records, packed):
            problems += _reading(what, functools.partial(list, check), problems) or []
        return Verified(files, len(records), tuple(problems))


def unpack_bag(archive: Path, folder: Path) -> tuple[Path, int]:
    """Unpack an archive; return the folder of its bag, and how many files it has.

    Raises:
        ArchiveError: It is no archive, it is damaged, or it is not safe to unpack.
    """
    entries = unpack(archive, folder)
    tops = {entry.name.partition("/")[0] for entry in entries}
    if len(tops) != 1 or any("/" not in entry.name for entry in entries):
        raise ArchiveError(f"{archive}: not the archive of one study: it holds no single folder")
    return folder / tops.pop(), len(entries)


def read_about(bag: Path) -> dict[str, Any]:
    """Return an archive's `archive.json`.

    Raises:
        ArchiveError: Its format is not one that this version reads.
    """
    about: dict[str, Any] = json.loads((bag / PAYLOAD / "archive.json").read_text())
    if about["format"] not in FORMATS:
        raise ArchiveError(
            f"archive.json: its format is {about['format']}, and this version reads "
            f"{' and '.join(map(str, FORMATS))}; use the code that the archive holds"
        )
    return about


def _checks(
    payload: Path,
    about: Mapping[str, Any],
    records: Mapping[str, dict[str, Any]],
    packed: Mapping[str, TrialRecord],
) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield every check of what an archive holds, by the name of what it looks at."""
    results = payload / RESULTS
    yield "trials", check_trials(results, records, packed)
    if about["trained"]:
        paths = sorted(path for pattern in PACKS for path in results.glob(pattern))
        for name in DATASETS:
            stage = name.removesuffix(".nc")
            if stage not in ("replicates", "set_back") or stage in about["keys"]:
                of_format_1 = paths if about["format"] == 1 else []
                yield name, check_dataset(results, name, packed, records, of_format_1)
        if about["format"] > 1:
            yield "checkpoints.nc", check_checkpoints(results, records)
    yield "launch.json", check_decision(results)
    yield "ro-crate-metadata.json", check_account(payload, records)


def _reading(what: str, read: Callable[[], Found], problems: list[str]) -> Found | None:
    """Return what was read; a file that cannot be read is a problem, not an error."""
    try:
        return read()
    except UNREADABLE as error:
        problems.append(f"{what}: it cannot be read as what it should be ({error!r})")
        return None
