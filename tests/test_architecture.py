"""The house as it stands: which room may use which, and what stays light."""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import tuning_playbook

PACKAGE = Path(tuning_playbook.__file__).parent

FLOORS = (
    *("errors", "files", "declarations", "trials", "study", "sources", "search", "planning"),
    *("workloads", "engine", "dataset", "jobs", "analysis", "launches", "procedures"),
    *("plots", "report", "archive", "from_python", "__main__"),
)
"""The rooms from the ground up: each may import from those before it."""


def room_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports_of(path):
    """Return the names within the package that a module imports, wherever in it, as `room.name`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    inside = "tuning_playbook."
    return {name.removeprefix(inside) for name in names if name.startswith(inside)}


def imported_rooms(path):
    """Return the rooms that a module imports from, wherever in it."""
    return {name.split(".")[0] for name in imports_of(path)} & set(FLOORS) - {room_of(path)}


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def module_name(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards(path):
    below = FLOORS[: FLOORS.index(room_of(path))]
    assert imported_rooms(path) <= set(below)


def test_no_module_imports_itself_by_way_of_others():
    modules = {module_name(path): imports_of(path) for path in MODULES}
    TopologicalSorter(modules).prepare()  # raises CycleError, which names the circle


def test_no_two_modules_share_a_name():
    names = Counter(path.name for path in MODULES if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    "room",
    [
        *("trials.trial", "study.read", "sources.imported_study", "planning.chain"),
        *("procedures.planned", "planning.probes"),
    ],
)
def test_what_the_snakefile_imports_is_light(room):
    code = f"import sys, tuning_playbook.{room}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jax", "numpy", "xarray"} & set(done.stdout.split())
