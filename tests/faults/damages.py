"""What happens to files: by a disk, a power cut, a person, another checkout."""

import json
import os
import shutil
import time
from pathlib import Path

from tests.jobs.damage import flip_a_bit


def empty(path, study):
    """A power cut before the content was on the disk."""
    path.write_bytes(b"")


def cut_in_half(path, study):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_bit(path, study):
    """A disk that fails: the time of the file is what it was."""
    times = path.stat()
    flip_a_bit(path, times.st_size // 2)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def removed(path, study):
    path.unlink()


def another_file(path, study):
    """Another artefact in its place, whole, newer, and of the same kind where there is one."""
    others = [file for name in artefacts(study) if (file := study / name).is_file()]
    others = [other for other in others if other.read_bytes() != path.read_bytes()]
    shutil.copy(min(others, key=lambda other: other.suffix != path.suffix), path)


def older(path, study):
    os.utime(path, (1e9, 1e9))


def from_the_future(path, study):
    month = 30 * 86400
    os.utime(path, (time.time() + month,) * 2)


CONTENT = (empty, cut_in_half, one_bit, another_file)
"""Damage to what a file holds."""

TIMES = (older, from_the_future)
"""Damage to the time of a file alone."""

EVERY = (*CONTENT, removed, *TIMES)


def record_of(study):
    """The trial.json of a trial of the search whose model is not exported."""
    exported = (study / "models.json").read_text()
    for pack in sorted(study.glob("packs/*.nc")):
        kept = json.loads((study / f"hashes/packs/{pack.name}.sha256").read_text())
        for trial in kept["trials"]:
            if trial not in exported:
                return study / "trials" / trial / "trial.json"
    raise LookupError(f"{study}: every trial is exported")


def change_the_status(study):
    record = record_of(study)
    record.write_text(record.read_text().replace('"completed"', '"compleved"'))


def make_it_a_list(study):
    record_of(study).write_text("[]")


def drop_a_key(study):
    record = record_of(study)
    content = json.loads(record.read_text())
    del content["status"]
    record.write_text(json.dumps(content))


def remove_the_trial(study):
    shutil.rmtree(record_of(study).parent)


RECORDS = (change_the_status, make_it_a_list, drop_a_key, remove_the_trial)
"""Damage to the record of a trial: it is trained again, to the same bits."""

MEASURED_TIMES = ("report.html", "summary.json", "resources.nc", "tracking.csv", "index.html")
"""What tells how long training took, which is another time when a trial is trained again."""


def artefacts(study):
    """The artefacts of a study, by their names in its folder of results."""
    folder = study / "hashes"
    found = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.sha256"))
    return sorted(map(Path.as_posix, found))


def contents(results, study="small"):
    """The bytes of all that a study's results are, by the names of the files."""
    folders = {"": results, f"{study}/": results / study}
    return {
        f"{place}{name}": (folder / name).read_bytes() if (folder / name).exists() else None
        for place, folder in folders.items()
        for name in artefacts(folder)
    }


def different(results, expected, but=(), study="small"):
    """The files that are not, to the byte, as in an undisturbed run."""
    found = contents(results, study)
    names = expected.keys() | found.keys()
    return sorted(
        name
        for name in names
        if found.get(name) != expected.get(name)
        and Path(name).name not in but
        and not (but and name.startswith("campaigns/"))
    )
