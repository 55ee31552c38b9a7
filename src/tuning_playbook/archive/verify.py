"""Check an archive: its layout, its hashes, and that each part follows from the part before it.

First every file is checked against its own description and its neighbours. If that finds nothing
wrong, the study is planned again and everything that follows from its trials is made again.
"""

import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tuning_playbook.archive.bag import PAYLOAD, check_bag
from tuning_playbook.archive.check_account import check_account
from tuning_playbook.archive.check_datasets import check_checkpoints, check_dataset
from tuning_playbook.archive.check_decision import check_decision
from tuning_playbook.archive.check_trials import PACKS, check_trials, read_packs, read_records
from tuning_playbook.archive.code_compared import check_code, differing_code, differing_packages
from tuning_playbook.archive.contents import FORMATS, RESULTS
from tuning_playbook.archive.planned_again import planned_again, why_not_planned
from tuning_playbook.archive.recompute import Remade, check_remade
from tuning_playbook.archive.same_content import active_content
from tuning_playbook.archive.zip_layout import unpack
from tuning_playbook.errors import ArchiveError, TuningPlaybookError
from tuning_playbook.trials.record import TrialRecord

Found = TypeVar("Found")

DATASETS = ("study.nc", "reruns.nc", "replicates.nc", "set_back.nc")
"""The datasets collected from packs."""

REMADE_FROM = 3
"""The first archive format that records how the study was planned."""

MOST_NAMED = 3

SOURCE_UNKNOWN = (
    "its trials were read from a source that is not in it, so whether its datasets are what that "
    "source says is not known"
)

UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError, RuntimeError),
    *(TypeError, ValueError, TuningPlaybookError),
)
"""Errors from reading a file that is not what its name says."""


@dataclass(frozen=True)
class Verified:
    """The result of checking an archive.

    Attributes:
        files: The number of files in it.
        trials: The number of trials and reruns.
        problems: What is wrong with it; empty if it is whole.
        unconfirmed: What could not be made again here, or differs because another version of this
            software made it: it may be right.
        notes: What people who rely on it should know.
    """

    files: int
    trials: int
    problems: tuple[str, ...]
    unconfirmed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def verify(archive: Path, *, trials_only: bool = False) -> Verified:
    """Check an archive; nothing in it is run, and only the answer is kept.

    Args:
        archive: The archive's file.
        trials_only: Whether to skip making the conclusions again, for a caller that uses only the
            trials.

    Raises:
        ArchiveError: It is not an archive, it is truncated, or it is not safe to unpack.
    """
    with tempfile.TemporaryDirectory(prefix="tuning-playbook-") as folder:
        bag, files = unpack_bag(archive, Path(folder))
        problems = list(check_bag(bag))
        # Only files with the archived content are examined further.
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
        for what, check in checks_of_files(bag / PAYLOAD, about, records, packed):
            problems += _reading(what, functools.partial(list, check), problems) or []
        if problems:
            return Verified(files, len(records), tuple(problems))
        scratch = Path(folder) / "again"
        scratch.mkdir()
        found = _made_again(bag / PAYLOAD, about, records, scratch, trials_only=trials_only)
        return replace(found, files=files, trials=len(records))


def _made_again(
    payload: Path,
    about: Mapping[str, Any],
    records: Mapping[str, dict[str, Any]],
    scratch: Path,
    *,
    trials_only: bool,
) -> Verified:
    """Make everything that follows from the trials again, and report differences."""
    if about["format"] < REMADE_FROM:
        told = "an earlier version made it, which kept too little to make its results again"
        return Verified(0, 0, (), (told,))
    if not about["trained"]:
        return Verified(0, 0, (), (SOURCE_UNKNOWN,))
    problems: list[str] = []
    absolute = _reading("spec", lambda: why_not_planned(payload, about), problems)
    _ = _reading("code", lambda: problems.extend(check_code(payload, records)), problems)
    if problems or absolute:
        return Verified(0, 0, tuple(problems), (absolute,) if absolute else ())
    environment = json.loads((payload / "environment.json").read_text())
    code, packages = differing_code(payload), differing_packages(environment)
    notes = [f"its code is not the code here: {_listed(code)}"] if code else []
    found: list[str] = []
    try:
        with planned_again(payload, about, scratch / "planned") as again:
            made = scratch / "made"
            made.mkdir()
            remade = Remade(payload, payload / RESULTS, about, records, again, made)
            for what, check in check_remade(remade, trials_only=trials_only):
                found += _reading(what, functools.partial(_all, check), found) or []
    except UNREADABLE as error:
        found.append(f"its study cannot be planned again: {error}")
    if not (code or packages):
        return Verified(0, 0, tuple(found))
    if not found:
        return Verified(0, 0, (), (), tuple(notes))
    why = [*notes, *(["its packages are not those here: " + _listed(packages)] if packages else [])]
    # Another version may make something else of the same data, so a difference proves nothing.
    return Verified(0, 0, (), (*why, *found))


def _all(check: Callable[[], Iterator[str]]) -> list[str]:
    return list(check())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def unpack_bag(archive: Path, folder: Path) -> tuple[Path, int]:
    """Unpack an archive; return the folder of its bag, and the number of its files.

    Raises:
        ArchiveError: It is not an archive, it is damaged, or it is not safe to unpack.
    """
    entries = unpack(archive, folder)
    tops = {entry.name.partition("/")[0] for entry in entries}
    if len(tops) != 1 or any("/" not in entry.name for entry in entries):
        raise ArchiveError(f"{archive}: not the archive of one study: it holds no single folder")
    return folder / tops.pop(), len(entries)


def read_about(bag: Path) -> dict[str, Any]:
    """Return an archive's `archive.json`.

    Raises:
        ArchiveError: This version cannot read its format.
    """
    about: dict[str, Any] = json.loads((bag / PAYLOAD / "archive.json").read_text())
    if about["format"] not in FORMATS:
        raise ArchiveError(
            f"archive.json: its format is {about['format']}, and this version reads "
            f"{' and '.join(map(str, FORMATS))}; use the code that the archive holds"
        )
    return about


def checks_of_files(
    payload: Path,
    about: Mapping[str, Any],
    records: Mapping[str, dict[str, Any]],
    packed: Mapping[str, TrialRecord],
) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield every check of an archive's content, by the name of what it checks."""
    results = payload / RESULTS
    yield "trials", check_trials(results, records, packed)
    if about["trained"]:
        paths = sorted(path for pattern in PACKS for path in results.glob(pattern))
        for name in DATASETS:
            stage = name.removesuffix(".nc")
            if stage not in ("replicates", "set_back") or stage in about.get("keys", ()):
                of_format_1 = paths if about["format"] == 1 else []
                yield name, check_dataset(results, name, packed, records, of_format_1)
        if about["format"] > 1:
            yield "checkpoints.nc", check_checkpoints(results, records)
    yield "launch.json", check_decision(results)
    yield "ro-crate-metadata.json", check_account(payload, records)
    if about["format"] > 1:
        yield "plots", _check_plots(results)
    if bool(records or packed) != about["trained"]:
        yield "archive.json", iter(["archive.json: 'trained' is not what its files say"])


def _check_plots(results: Path) -> Iterator[str]:
    """Yield everything in the plots that could run or load something."""
    for path in sorted((results / "plots").glob("*")):
        for found in active_content(path.read_text()):
            yield f"plots/{path.name}: it has {found}, which no plot has"


def _reading(what: str, read: Callable[[], Found], problems: list[str]) -> Found | None:
    """Return the content of a file; one that cannot be read is a problem, not an error."""
    try:
        return read()
    except UNREADABLE as error:
        problems.append(f"{what}: it cannot be read as what it should be ({error!r})")
        return None
