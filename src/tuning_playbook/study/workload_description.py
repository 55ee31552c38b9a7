"""What the spec needs to know of a workload; of a class it is found out in a process of its own.

A workload's module imports JAX, and its data must be read to be hashed; the Snakefile is parsed in
every job and can afford neither. So `jobs.describe_workload` is run once as a separate process, and
its answer is cached until a file that it depends on changes.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from tuning_playbook.declarations import Hyperparameter, Metric
from tuning_playbook.files import cache_folder, keep_cached, read_cached
from tuning_playbook.study.apart import ask


@dataclass(frozen=True)
class WorkloadDescription:
    """A workload as its class, or the YAML file of a command, declares it.

    Attributes:
        name: As in the spec: a built-in name, or `package.module:Class`; of a command the name of
            its YAML file, without its folder.
        import_from: The folder its module is imported from before the installed packages, or the
            folder of a command's YAML file.
        data_folder: The folder that its data is read from; empty where it has its own.
        description: The first line of its docstring.
        hyperparameters: What it declares, by name.
        metrics: What it measures, by name.
        splits: The splits of its data; without `train` where it makes the training batches itself.
        optax: The hyperparameters of each optimizer that optax offers, by `optax.<name>`. None for
            a command: the hyperparameters of training are those that it declares.
        resplits: Whether it can divide its data into other training and validation sets.
        versions: Hashes of what decides a trial's numbers: `workload` (its code), `engine` (this
            package's), `data`. A command has `workload` (its files and arguments) and `engine`.
        examples: How many each split has, where that is known.
        makes: What of training it makes itself: `optimizer`, `schedule`.
    """

    name: str
    import_from: str
    data_folder: str
    description: str
    hyperparameters: Mapping[str, Hyperparameter]
    metrics: Mapping[str, Metric]
    splits: tuple[str, ...]
    optax: Mapping[str, tuple[Hyperparameter, ...]] | None
    versions: Mapping[str, str]
    resplits: bool = False
    examples: Mapping[str, int] = field(default_factory=dict)
    makes: tuple[str, ...] = ()

    @property
    def is_command(self) -> bool:
        """Return whether a command of the user's trains it, and not our engine.

        Trials that a command trained elsewhere, and that are only imported here, are no command's.
        """
        return self.optax is None


def is_command(workload: str) -> bool:
    """Return whether the name of a workload is that of a command: of a YAML file.

    Example:
        >>> is_command("trainer.yaml"), is_command("my_model:MyModel")
        (True, False)
    """
    return workload.endswith((".yaml", ".yml"))


def from_json(content: Mapping[str, Any]) -> WorkloadDescription:
    """Return the description that `jobs.describe_workload` printed."""
    return WorkloadDescription(
        name=content["name"],
        import_from=content["import_from"],
        data_folder=content["data_folder"],
        description=content["description"],
        hyperparameters={item.name: item for item in _declared(content["hyperparameters"])},
        metrics={item["name"]: Metric(**item) for item in content["metrics"]},
        splits=tuple(content["splits"]),
        optax={name: _declared(items) for name, items in content["optax"].items()},
        versions=content["versions"],
        resplits=content["resplits"],
        examples=content["examples"],
        makes=tuple(content["makes"]),
    )


def to_json(described: WorkloadDescription) -> dict[str, Any]:
    """Return what `from_json` reads of a class, without the folders of this machine.

    What has its default is left out, so that no number in it is infinite.
    """
    optax = described.optax or {}
    return {
        "name": described.name,
        "description": described.description,
        "hyperparameters": [_told(item) for item in described.hyperparameters.values()],
        "metrics": [_told(item) for item in described.metrics.values()],
        "splits": list(described.splits),
        "examples": dict(described.examples),
        "resplits": described.resplits,
        "makes": list(described.makes),
        "optax": {name: [_told(item) for item in items] for name, items in optax.items()},
        "versions": dict(described.versions),
    }


def _told(declared: Hyperparameter | Metric) -> dict[str, Any]:
    values = {item.name: (getattr(declared, item.name), item.default) for item in fields(declared)}
    return {
        name: value
        for name, (value, default) in values.items()
        if default is MISSING or value != default
    }


def _declared(items: Iterable[Mapping[str, Any]]) -> tuple[Hyperparameter, ...]:
    return tuple(
        Hyperparameter(**(item | {"choices": tuple(item.get("choices", ()))}))
        for item in map(dict, items)
    )


def describe(workload: str, *, folder: Path, data: str | None) -> WorkloadDescription:
    """Describe a workload, from the cache where nothing that it depends on has changed.

    Args:
        workload: As in the spec.
        folder: The spec's folder, where a user's own module may stand.
        data: The folder of its data, beside the spec or from the working directory.

    Raises:
        WorkloadError: The workload cannot be imported, does not keep the protocol, or its data
            cannot be read; the message does not name the place, which `draft.workload_of` adds.
    """
    import_from = os.path.relpath(folder) if ":" in workload else ""
    data_folder = _data_folder(data, folder)
    cached = _cached(workload, import_from, data_folder)
    content = read_cache(cached)
    if content is None:
        content = ask("describe_workload", [workload, import_from, data_folder])
        keep_cached(cached, json.dumps(content, indent=1).encode())
    return from_json(
        content["description"] | {"import_from": import_from, "data_folder": data_folder}
    )


def forget(workload: str, import_from: str, data_folder: str) -> None:
    """Remove a cached description that has proved wrong."""
    _cached(workload, import_from, data_folder).unlink(missing_ok=True)


def _cached(workload: str, import_from: str, data_folder: str) -> Path:
    places = [Path(place).resolve() if place else "" for place in (import_from, data_folder)]
    key = "\0".join([workload, *map(str, places), sys.executable, __file__])
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    return cache_folder() / "workloads" / name


def read_cache(path: Path) -> dict[str, Any] | None:
    """Return a cached answer; None if a file that it depends on has changed, or there is none.

    Nor is one that was changed since it was written: a default edited there would be trained with.
    """
    try:
        content: dict[str, Any] = json.loads(read_cached(path) or b"")
        depends = content["depends"]
    except (ValueError, KeyError, TypeError):
        return None
    return content if all(stamp_of(Path(item[0])) == item for item in depends) else None


def stamp_of(path: Path) -> list[str | int]:
    """Return what shows whether a file has changed: its path, size and modification time."""
    try:
        status = path.stat()
    except OSError:
        return [str(path), -1, -1]
    return [str(path), status.st_size, status.st_mtime_ns]


def _data_folder(data: str | None, folder: Path) -> str:
    if data is None:
        return ""
    beside = folder / data
    return os.path.relpath(beside if beside.is_dir() else data)
