"""What the code in an archive is, beside the code here: told from files, and none of it is run."""

import importlib.metadata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tuning_playbook
from tuning_playbook.jobs.versions import code_version

PACKAGE = Path(tuning_playbook.__file__).resolve().parent
INSIDE = "code/src/tuning_playbook"

DECISIVE = ("jinja2", "matplotlib", "numpy", "scipy", "xarray")
"""The packages that results are made with once trials are trained."""


def differing_code(payload: Path) -> list[str]:
    """Return the files of this package that an archive has otherwise, or not, or more of.

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
    """Return which decisive packages an archive was made with in other versions than those here.

    Args:
        environment: Its `environment.json`.
    """
    recorded = environment.get("packages", {})
    here = {name: importlib.metadata.version(name) for name in DECISIVE}
    return [
        f"{name} {recorded.get(name)} there, {version} here"
        for name, version in here.items()
        if recorded.get(name) != version
    ]


def check_engine(payload: Path, records: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield that the engine in an archive is not the one that its trials were trained with.

    Args:
        payload: The folder of the bag's payload.
        records: The trial.json of every trial, by id.
    """
    engine = payload / INSIDE / "engine"
    version = code_version(sorted(engine.rglob("*.py")))
    told = {record["trial"]["versions"].get("engine") for record in records.values()}
    if told - {version, None}:
        yield f"{INSIDE}/engine: it is not the engine that its trials were trained with"


def _files(package: Path) -> dict[str, Path]:
    return {
        path.relative_to(package).as_posix(): path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
