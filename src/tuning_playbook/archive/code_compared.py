"""Compare the code in an archive with the code here, from files: none of it is run."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tuning_playbook
from tuning_playbook.errors import ArchiveError
from tuning_playbook.jobs.load_workload import BUILT_IN
from tuning_playbook.jobs.source_files import find_in, source_files
from tuning_playbook.jobs.versions import code_version
from tuning_playbook.study.command_file import Command, read_command
from tuning_playbook.study.workload_description import is_command

PACKAGE = Path(tuning_playbook.__file__).resolve().parent
INSIDE = "code/src/tuning_playbook"

DECISIVE = ("jinja2", "matplotlib", "numpy", "scipy", "xarray")
"""The packages that make results from trained trials."""


def differing_code(payload: Path) -> list[str]:
    """Return the files of this package that an archive has changed, lacks or has added.

    Args:
        payload: The folder of the bag's payload.
    """
    theirs, ours = _files(payload / INSIDE), _files(PACKAGE)
    return sorted(
        name
        for name in theirs.keys() | ours.keys()
        if name not in theirs
        or name not in ours
        or theirs[name].read_bytes() != ours[name].read_bytes()
    )


def differing_packages(environment: Mapping[str, Any]) -> list[str]:
    """Return the decisive packages whose versions differ between an archive and this machine.

    Args:
        environment: The archive's `environment.json`.
    """
    recorded = environment.get("packages", {})
    here = {name: importlib.metadata.version(name) for name in DECISIVE}
    return [
        f"{name} {recorded.get(name)} there, {version} here"
        for name, version in here.items()
        if recorded.get(name) != version
    ]


def check_code(payload: Path, records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the code in an archive that differs from what its trials were trained with.

    Args:
        payload: The folder of the bag's payload.
        records: The trial.json of every trial, by id.
    """
    package = payload / INSIDE
    for record in list(records.values())[:1]:  # all have the same, as `recompute` checks
        trained, name = record["trial"]["versions"], record["trial"]["workload"]
        if not is_command(name) and trained.get("engine") != engine_version(package):
            yield f"{INSIDE}/engine: it is not the engine that its trials were trained with"
        found = workload_version(name, payload / "spec", package)
        if found not in (None, trained["workload"]):
            yield f"spec: the code of {name} is not what its trials were trained with"


def engine_version(package: Path = PACKAGE) -> str:
    """Return the version of the engine in a folder of this package's code."""
    return code_version(sorted((package / "engine").rglob("*.py")))


def workload_version(name: str, spec: Path, package: Path = PACKAGE) -> str | None:
    """Return the version of a workload's code; None if none of it is in an archive.

    Args:
        name: The workload's name in a trial.
        spec: The folder of the archive's spec, with the files of a user's own workload.
        package: The folder of this package's code.
    """
    if is_command(name):
        return command_in(spec, name).versions()["workload"]
    files = workload_sources(name, spec, package)
    return code_version(files) if files else None


def command_in(spec: Path, name: str) -> Command:
    """Return the command of an archive, as its YAML file describes it.

    Args:
        spec: The folder of the archive's spec.
        name: The name of that file.

    Raises:
        ArchiveError: The name points outside that folder.
        WorkloadError: The file is not a valid command.
    """
    if Path(name).name != name:
        raise ArchiveError(f"'{name}' is no file of the folder spec/")
    return read_command(spec / name)


def workload_sources(name: str, spec: Path, package: Path = PACKAGE) -> list[Path]:
    """Return the files of a class's code; none if it is from a package installed elsewhere.

    Args:
        name: A built-in name, or `package.module:Class`.
        spec: The folder of the archive's spec.
        package: The folder of this package's code.
    """
    module = BUILT_IN.get(name, name).partition(":")[0]
    find = find_in(spec, package)
    own = find(module)
    return source_files(module, own, [package / "workloads", spec], package, find) if own else []


def _files(package: Path) -> dict[str, Path]:
    return {
        path.relative_to(package).as_posix(): path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
