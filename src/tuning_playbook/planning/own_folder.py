"""Each study has its own folder of results: two specs of one name do not share one."""

import os
from pathlib import Path

from tuning_playbook.errors import SpecError
from tuning_playbook.files import write_atomically

NAME = "spec_file.txt"
"""The file in a study's folder with the path of its spec, relative to the folder of all results."""

TAKEN = ("archive", "benchmarks", "campaigns", "hashes", "logs")
"""What the folder of all results has beside the folders of studies."""


def check_own_folder(results: Path, name: str, spec: Path) -> None:
    """Check that a study's folder of results does not belong to another one.

    A spec that was moved, or whose results were copied elsewhere, keeps its folder, because the
    spec that is named there no longer exists.

    Args:
        results: The folder of all results.
        name: The study's name.
        spec: Its file.

    Raises:
        SpecError: The folder belongs to another spec that is still there, or to no study.
    """
    if name in TAKEN:
        raise SpecError(
            f"{spec}: no study can be called '{name}', as {results / name} holds something else; "
            "rename the file"
        )
    other = spec_of_folder(results, name)
    if other is None:
        return
    other = other.resolve()
    if other.is_file() and not (spec.exists() and other.samefile(spec)):
        raise SpecError(
            f"{spec}: {results / name} holds the results of another study of this name, "
            f"{os.path.relpath(other)}; rename one of the two, or give this one another folder "
            "with --config results=<folder>"
        )


def spec_of_folder(results: Path, name: str) -> Path | None:
    """Return the spec that a study's folder of results names; None where it names none.

    Args:
        results: The folder of all results.
        name: The study's name.
    """
    try:
        return results / (results / name / NAME).read_text().strip()
    except OSError:
        return None


def keep_own_folder(results: Path, name: str, spec: Path) -> None:
    """Record in a study's folder of results which spec it belongs to."""
    place = os.path.relpath(spec.resolve(), results.resolve())
    file = results / name / NAME
    if not file.exists() or file.read_text().strip() != place:
        write_atomically(file, f"{place}\n")
