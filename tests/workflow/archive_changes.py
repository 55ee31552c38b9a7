"""Random single changes to an archive, by somebody who computes every hash anew."""

import fnmatch
import hashlib
import io
import json
import math
import re
import shutil
import zipfile
from dataclasses import dataclass, replace

import netCDF4
import numpy as np

from tuning_playbook.archive.bag import make_bag
from tuning_playbook.archive.check_trials import PACKS, read_packs, read_records
from tuning_playbook.archive.code_compared import check_code, differing_code
from tuning_playbook.archive.planned_again import planned_again
from tuning_playbook.archive.recompute import Remade, check_remade
from tuning_playbook.archive.verify import UNREADABLE, checks_of_files, read_about, verify
from tuning_playbook.archive.zip_layout import write_zip
from tuning_playbook.errors import ArchiveError
from tuning_playbook.trials.manifest import BEST, hash_of, write_manifest
from tuning_playbook.trials.pack_file import read_pack
from tuning_playbook.trials.trial_files import BEST_HASH
from tuning_playbook.trials.trial_json import OWN_HASH, trial_json

DRAWN = ("plots", "report.html")
"""The checks that take most of the time."""

ONLY_A_SIGNATURE = {
    "archive.json": ("code.*",),
    "code/*": ("*",),
    "environment.json": ("*",),
    "workload.json": ("*.description", "description"),
    "results/trials/*/trial.json": ("provenance.*", "kept_steps*"),
    "results/trials/*/predictions-*.npz": ("*",),
    "results/trials/*/checkpoints/*": ("*",),
}
"""By file, the places in which docs/archive.md says that only a signature shows a change."""

ONLY_OF_A_RERUN = {
    # That of a trial of the search is found, as it is collected.
    "results/trials/*/best-*.json": ("*",),
}
"""The same, of the trials that are no trials of the search."""

NOBODY_READS = {
    # Where the study has neither a baseline nor a command.
    "archive.json": ("as_given.baseline_beside_spec", "as_given.command"),
}
"""By file, the places that nobody reads in the archive of the small study."""

NOT_LOOKED_AT = ("checkpoints/", "predictions-")
"""In the names of files whose changes are taken as listed, whatever verify says of them."""


@dataclass(frozen=True)
class Change:
    """One change, and what `verify` says of the archive then.

    Attributes:
        file: The file, from the folder of the payload.
        place: Where in it, as `launch.decision`; or what was done to it as a whole.
        what: What it held and holds.
        searched: Whether the file is of a trial of the search.
        found: What is wrong, or cannot be confirmed, or is to be known of its code.
        undone: Whether nothing is left of it once every hash is computed anew.
    """

    file: str
    place: str
    what: str
    searched: bool
    found: tuple[str, ...] = ()
    undone: bool = False

    def is_in(self, table):
        """Whether a table has its place."""
        return any(
            fnmatch.fnmatchcase(self.file, file) and fnmatch.fnmatchcase(self.place, place)
            for file, places in table.items()
            for place in places
        )

    @property
    def outcome(self):
        """`found`, `undone`, `listed` as what only a signature shows, `unread`, or `missed`."""
        if self.undone:
            return "undone"
        if self.found:
            return "found"
        if self.is_in(ONLY_A_SIGNATURE) or (not self.searched and self.is_in(ONLY_OF_A_RERUN)):
            return "listed"
        return "unread" if self.is_in(NOBODY_READS) else "missed"


class Whole:
    """A whole archive, unpacked, to which one change after the other is made and undone."""

    def __init__(self, archive, folder):
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder / "whole")
        (self.bag,) = (folder / "whole").iterdir()
        self.payload, self.scratch = self.bag / "data", folder / "scratch"
        self.files = {path: path.read_bytes() for path in self.payload.rglob("*") if path.is_file()}
        names = {path: path.relative_to(self.payload).as_posix() for path in sorted(self.files)}
        with netCDF4.Dataset(self.payload / "results/study.nc") as study:
            self.searched = tuple(study["trial"][:])
        self.code = [path for path in names if names[path].startswith("code/")]
        self.others = [path for path in names if not names[path].startswith("code/")]

    def change(self, rng):
        """Change one thing, say what is found of it, and undo it."""
        few = rng.random() < 0.05  # nothing of a study is made of the code in it
        paths = self.code if few else self.others
        file = paths[int(rng.integers(len(paths)))]
        place, what = change(file, rng)
        compute_every_hash(self.payload)
        try:
            name = file.relative_to(self.payload).as_posix()
            made = Change(name, place, what, any(f"/{trial}/" in name for trial in self.searched))
            # A hash that was changed is computed anew, so nothing is changed.
            if file.is_file() and file.read_bytes() == self.files[file]:
                made = replace(made, undone=True)
            elif not any(part in made.file for part in NOT_LOOKED_AT):
                made = replace(made, found=tuple(self.quickly_found()))
                if made.outcome == "missed":
                    made = replace(made, found=self.found())
        finally:
            self.undo()
        return made

    def undo(self):
        for path in [path for path in self.payload.rglob("*") if path.is_file()]:
            if path not in self.files:
                path.unlink()
        for path in self.others:
            path.write_bytes(self.files[path])
        for path in self.code:
            if not path.exists() or path.read_bytes() != self.files[path]:
                path.write_bytes(self.files[path])

    def quickly_found(self):
        """The first thing that one of the checks finds, but for those that draw and render."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for name in ("planned", "made"):
            (self.scratch / name).mkdir(parents=True)
        try:
            about, results = read_about(self.bag), self.payload / "results"
            records, packed = read_records(results), read_packs(results)
            for _, check in checks_of_files(self.payload, about, records, packed):
                if found := list(check):
                    return found
            if found := [*check_code(self.payload, records), *differing_code(self.payload)]:
                return found
            with planned_again(self.payload, about, self.scratch / "planned") as again:
                made = self.scratch / "made"
                remade = Remade(self.payload, results, about, records, again, made)
                for what, check in check_remade(remade):
                    if what not in DRAWN and (found := list(check())):
                        return found
        except UNREADABLE as error:
            return [repr(error)]
        return []

    def found(self):
        """All that `verify` says of the archive."""
        files = [path for path in self.payload.rglob("*") if path.is_file()]
        bag = make_bag({path.relative_to(self.payload).as_posix(): path for path in files})
        archive = self.scratch / "small.zip"
        write_zip(archive, {f"small/{name}": content for name, content in bag.items()})
        try:
            said = verify(archive)
        except ArchiveError as error:
            return (str(error),)
        return (*said.problems, *said.unconfirmed, *said.notes)


def change(file, rng):
    """Change one thing in a file; return where, and what."""
    if rng.random() < 0.05:
        return rng.choice([remove, add_another])(file)
    kinds = {".json": change_json, ".nc": change_dataset, ".npz": change_arrays}
    text = (".cff", ".csv", ".html", ".md", ".py", ".svg", ".yaml", ".smk", ".sha256", ".lock")
    return kinds.get(file.suffix, change_text if file.suffix in text else change_bytes)(file, rng)


def remove(file):
    file.unlink()
    return "the whole", "removed"


def add_another(file):
    shutil.copyfile(file, file.with_name(f"more-{file.name}"))
    return "another", "added"


def change_bytes(file, rng):
    data = bytearray(file.read_bytes())
    place = int(rng.integers(len(data)))
    data[place] ^= 1 << int(rng.integers(8))
    file.write_bytes(data)
    return f"byte {place}", "a bit"


def change_text(file, rng):
    """Change one letter or digit, or drop a line."""
    text = file.read_text()
    if rng.random() < 0.2:
        lines = text.splitlines(keepends=True)
        line = int(rng.integers(len(lines)))
        file.write_text("".join(lines[:line] + lines[line + 1 :]))
        return f"line {line + 1}", f"dropped {lines[line]!r:.60}"
    letters = [match.start() for match in re.finditer(r"[A-Za-z0-9]", text)]
    place = int(rng.choice(letters))
    new = another_letter(text[place])
    file.write_text(text[:place] + new + text[place + 1 :])
    return f"letter {place}", f"{text[max(place - 20, 0) : place + 20]!r} with {new!r}"


def another_letter(old):
    return str((int(old) + 1) % 10) if old.isdigit() else "x" if old != "x" else "y"


def change_json(file, rng):
    content = json.loads(file.read_text())
    places = list(leaves(content))
    place = places[int(rng.integers(len(places)))]
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    old = holder[place[-1]]
    if rng.random() < 0.15:
        del holder[place[-1]]
        what = f"dropped {old!r:.60}"
    else:
        holder[place[-1]] = another_value(old)
        what = f"{old!r:.60} to {another_value(old)!r:.60}"
    file.write_text(json.dumps(content, indent=1) + "\n")
    return ".".join(map(str, place)), what


def leaves(content, place=()):
    if isinstance(content, dict | list) and content:
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from leaves(value, (*place, key))
    elif place:
        yield place


def another_value(old):
    match old:
        case bool():
            return not old
        case int():
            return old + 1
        case float():
            return old * 1.01 + 1e-3 if math.isfinite(old) else 1.0
        case str() if old:
            return another_letter(old[0]) + old[1:]
    return "x"


def change_dataset(file, rng):
    """Change one value of a variable, or one attribute."""
    with netCDF4.Dataset(file, "a") as dataset:
        dataset.set_auto_mask(False)
        if rng.random() < 0.2 and dataset.ncattrs():
            name = str(rng.choice(dataset.ncattrs()))
            old = dataset.getncattr(name)
            new = another_value(old.item() if hasattr(old, "item") else old)
            dataset.setncattr(name, new)
            return f"attribute {name}", f"{old!r:.60} to {new!r:.60}"
        name = str(rng.choice([key for key, found in dataset.variables.items() if found.size]))
        variable = dataset[name]
        place = tuple(int(rng.integers(size)) for size in variable.shape)
        old = variable[place]
        if isinstance(old, bytes) or np.asarray(old).dtype.kind == "S":
            new = b"x" if old != b"x" else b"y"
        else:
            old = old.item() if hasattr(old, "item") else old
            new = another_value(old)
        variable[place] = new
        return f"{name}{list(place)}", f"{old!r} to {new!r}"


def change_arrays(file, rng):
    with np.load(file) as arrays:
        columns = {name: arrays[name].copy() for name in arrays}
    name = str(rng.choice(sorted(name for name, array in columns.items() if array.size)))
    flat = columns[name].reshape(-1)
    place = int(rng.integers(flat.size))
    old = flat[place].item()
    flat[place] = another_value(old)
    buffer = io.BytesIO()
    np.savez(buffer, **columns)
    file.write_bytes(buffer.getvalue())
    return f"{name}[{place}]", f"{old!r}"


def compute_every_hash(bag):
    """Compute each hash in an unpacked archive anew; those of the bag come when it is packed."""
    results = bag / "results"
    numbers = {}
    for pack in sorted(path for pattern in PACKS for path in results.glob(pattern)):
        try:
            numbers |= read_pack(pack)
        except Exception:  # it cannot be read any more, which is for verify to find
            continue
    for folder in sorted(path for path in (results / "trials").iterdir() if path.is_dir()):
        if (folder / "checkpoints" / BEST).is_dir():
            write_manifest(folder / "checkpoints", BEST)
        compute_own_hash(folder, numbers.get(folder.name))
    models = results / "models.json"
    if models.is_file():
        content = json.loads(models.read_text())
        for model in content.get("models", {}).values():
            file = results / str(model.get("path"))
            if "sha256" in model and file.is_file():
                model["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
        models.write_text(json.dumps(content, indent=1) + "\n")


def compute_own_hash(folder, numbers):
    file = folder / "trial.json"
    if not file.is_file():
        return
    content = json.loads(file.read_text())
    if numbers is not None and "numbers_sha256" in content:
        content["numbers_sha256"] = numbers.sha256
    if BEST_HASH in content and (saved := hash_of(folder / "checkpoints", BEST)):
        content[BEST_HASH] = saved
    content.pop(OWN_HASH, None)
    file.write_text(trial_json(content))
