"""Describe a workload as JSON, in its own process because that imports JAX and reads the data.

    python -m tuning_playbook.jobs.describe_workload ANSWER WORKLOAD [FOLDER [DATA]]

writes to ANSWER the description and the files that it depends on, or the mistakes in the workload.
`study.workload_description` runs this and caches the answer.
"""

import contextlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax

import tuning_playbook
from tuning_playbook.engine.optax_factories import optax_optimizers
from tuning_playbook.jobs.answer_apart import answer
from tuning_playbook.jobs.class_check import all_mistakes, default_signature
from tuning_playbook.jobs.load_workload import (
    data_mistakes,
    declaration_mistakes,
    import_workload,
    read_data,
    refuse,
)
from tuning_playbook.jobs.source_files import source_files
from tuning_playbook.jobs.versions import data_version, known_code_version, version_of_data
from tuning_playbook.study.workload_description import stamp_of
from tuning_playbook.workloads.protocol import Arrays, Workload

PACKAGE = Path(tuning_playbook.__file__).resolve().parent

USUAL_BATCH = 64
"""The batch size for tracing a class while no study says another."""

READ_TWICE_BYTES = 2**28
"""Data up to this size is read twice, to check that both reads agree."""


def describe(name: str, import_from: str, data_folder: str) -> dict[str, Any]:
    """Return a workload's description and the files that it depends on, as a JSON object.

    Raises:
        WorkloadError: The workload cannot be imported or its data cannot be read.
    """
    workload = import_workload(name, import_from, data_folder)
    splits = _checked(name, workload)
    data_files = [Path(path) for path in getattr(workload, "data_files", lambda: [])()]
    depends = [
        *workload_files(workload, import_from),
        *engine_files(),
        *_imported_files(),
        *data_files,
        # Adding a file changes its folder, and so does installing a package.
        PACKAGE / "engine",
        *(path.parent for path in data_files),
        Path(jax.__file__).parent.parent,
    ]
    return {
        "description": {
            "name": name,
            "description": (inspect.getdoc(workload) or "").partition("\n")[0],
            "hyperparameters": [asdict(item) for item in workload.hyperparameters],
            "metrics": [asdict(item) for item in workload.metrics],
            "splits": list(splits),
            "examples": {name: len(next(iter(arrays.values()))) for name, arrays in splits.items()},
            "resplits": hasattr(workload, "resplit") and "train" in splits,
            "makes": [name for name in ("optimizer", "schedule") if hasattr(workload, name)],
            "optax": {
                name: [asdict(item) for item in items] for name, items in optax_optimizers().items()
            },
            "versions": current_versions(workload, splits, import_from),
        },
        "depends": [stamp_of(path.resolve()) for path in dict.fromkeys(depends)],
    }


def _checked(name: str, workload: Workload) -> dict[str, Arrays]:
    """Return a workload's data after checking its declarations and the data.

    Raises:
        WorkloadError: They have mistakes. The message also reports the mistakes in its methods that
            can be found without a study.
    """
    mistakes = declaration_mistakes(workload)
    splits: dict[str, Arrays] = {}
    if hasattr(workload, "load_data"):
        splits = read_data(name, workload)
        mistakes += data_mistakes(workload, splits)
    if not mistakes and _is_to_be_read_twice(name, workload, splits):
        hashes = [data_version(given) for given in (splits, read_data(name, workload))]
        if hashes[0] != hashes[1]:
            mistakes.append(
                "load_data returns other arrays when it is called again (hashes "
                f"{hashes[0]} and {hashes[1]}), and no trial could be trained again: draw and "
                "shuffle with a fixed seed, as np.random.default_rng(0) does"
            )
    if mistakes:
        with contextlib.suppress(Exception):  # wrong declarations may leave nothing to trace
            mistakes += all_mistakes(workload, splits, [default_signature(workload, USUAL_BATCH)])
    refuse(name, mistakes)
    return splits


def _is_to_be_read_twice(name: str, workload: Workload, splits: Mapping[str, Arrays]) -> bool:
    """Return whether to read a user's data twice: not large data or data with its own version."""
    size = sum(array.nbytes for arrays in splits.values() for array in arrays.values())
    return ":" in name and size <= READ_TWICE_BYTES and not hasattr(workload, "data_version")


def current_versions(
    workload: Workload, splits: Mapping[str, Arrays], import_from: str
) -> dict[str, str]:
    """Return the current hashes of what decides a trial's numbers."""
    return {
        "workload": known_code_version(workload_files(workload, import_from)),
        "engine": known_code_version(engine_files()),
        "data": version_of_data(workload, splits),
    }


def engine_files() -> list[Path]:
    """Return the engine's files: they decide the numbers of every workload's trials."""
    return sorted((PACKAGE / "engine").rglob("*.py"))


def workload_files(workload: Workload, import_from: str) -> list[Path]:
    """Return the files that contain a workload's code.

    Those are its own module; the modules that it imports, directly or not, if they are beside it
    (in the spec's folder, or in the same installed package); and what it uses of the built-in
    workloads. They are found in the source, so other imports of this process do not matter.
    """
    name = type(workload).__module__
    own = Path(inspect.getfile(sys.modules[name])).resolve()
    roots = [PACKAGE / "workloads"]
    if import_from and own.is_relative_to(Path(import_from).resolve()):
        roots.append(Path(import_from).resolve())
    elif "." in name and not own.is_relative_to(PACKAGE):
        top = _source_of(name.partition(".")[0])
        roots += [top.parent] if top else []
    return source_files(name, own, roots, PACKAGE, _source_of)


def _imported_files() -> list[Path]:
    """Return the imported files of this package: they made the description.

    Their changes matter only to the cache, not to a version.
    """
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    paths = [Path(file).resolve() for file in files if file]
    return sorted(path for path in paths if path.is_relative_to(PACKAGE))


def _source_of(name: str) -> Path | None:
    """Return the source of an importable module; None for anything but a Python module."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # the parent is not a package, or the module has no spec
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).resolve()


def main(arguments: Sequence[str]) -> None:
    """Answer for the workload that the arguments name."""
    path, name, import_from, data_folder = [*arguments, "", ""][:4]
    answer(Path(path), lambda: describe(name, import_from, data_folder))


if __name__ == "__main__":
    main(sys.argv[1:])
