"""Describe a workload as JSON, in a process of its own: it imports JAX and reads the data.

    python -m tuning_playbook.workloads.describe WORKLOAD [FOLDER]

prints the description and the files that it depends on; a workload's error goes to stderr, with
exit status 1. `spec.workload` runs this and caches the answer.
"""

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tuning_playbook
from tuning_playbook.errors import WorkloadError
from tuning_playbook.spec.workload import stamp_of
from tuning_playbook.workloads.loading import load_data, load_workload
from tuning_playbook.workloads.optax_factories import optax_optimizers
from tuning_playbook.workloads.protocol import Arrays, Workload
from tuning_playbook.workloads.versions import code_version, data_version

PACKAGE = Path(tuning_playbook.__file__).parent

NOT_A_MODEL = {
    "__init__.py",
    "describe.py",
    "loading.py",
    "optax_factories.py",
    "protocol.py",
    "versions.py",
}
"""Modules of `workloads` that decide no number of a trial."""


def describe(name: str, import_from: str) -> dict[str, Any]:
    """Return a workload's description and the files that it depends on, as a JSON object.

    Raises:
        WorkloadError: The workload cannot be imported or its data cannot be read.
    """
    workload = load_workload(name, import_from)
    splits = load_data(name, workload)
    code = workload_files(workload, import_from)
    training = sorted((PACKAGE / "training").glob("*.py"))
    depends = [
        PACKAGE / "training",
        *code,
        *training,
        *getattr(workload, "data_files", lambda: [])(),
    ]
    declared = sorted(PACKAGE.glob("spec/*.py")) + sorted(PACKAGE.glob("workloads/*.py"))
    return {
        "description": {
            "name": name,
            "description": (inspect.getdoc(workload) or "").partition("\n")[0],
            "hyperparameters": [asdict(item) for item in workload.hyperparameters],
            "metrics": [asdict(item) for item in workload.metrics],
            "splits": list(splits),
            "optax": {
                name: [asdict(item) for item in items] for name, items in optax_optimizers().items()
            },
            "versions": current_versions(workload, splits, import_from),
        },
        "depends": [
            stamp_of(Path(path).resolve()) for path in dict.fromkeys([*depends, *declared])
        ],
    }


def current_versions(
    workload: Workload, splits: Mapping[str, Arrays], import_from: str
) -> dict[str, str]:
    """Return the hashes of what decides a trial's numbers, as they are now."""
    return {
        "workload": code_version(workload_files(workload, import_from)),
        "training": code_version((PACKAGE / "training").glob("*.py")),
        "data": data_version(splits),
    }


def workload_files(workload: Workload, import_from: str) -> list[Path]:
    """Return the files that a workload's code stands in.

    Those are its own module and the modules beside it that it imported: from the spec's folder, or
    from the same installed package.
    """
    own = sys.modules[type(workload).__module__]
    root = Path(inspect.getfile(own)).resolve().parent
    if import_from and root.is_relative_to(Path(import_from).resolve()):
        root = Path(import_from).resolve()
    elif own.__package__ and not root.is_relative_to(PACKAGE):
        top = sys.modules[own.__package__.partition(".")[0]]
        root = Path(inspect.getfile(top)).resolve().parent
    files = {Path(inspect.getfile(own)).resolve()}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py"):
            continue
        path = Path(file).resolve()
        ours = path.parent == PACKAGE / "workloads" and path.name in NOT_A_MODEL
        if (
            path.is_relative_to(root)
            and not ours
            and "site-packages" not in path.relative_to(root).parts
        ):
            files.add(path)
    return sorted(files)


def main(arguments: Sequence[str]) -> int:
    """Print the description of the workload that the arguments name."""
    name, import_from = [*arguments, ""][:2]
    try:
        described = describe(name, import_from)
    except WorkloadError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(described))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
