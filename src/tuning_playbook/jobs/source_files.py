"""Find the files that contain a workload's code, from the source: nothing is imported."""

import ast
import functools
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Find = Callable[[str], Path | None]
"""Returns the source of a module by its name; None for anything but a Python module."""


def source_files(
    module: str, own: Path, roots: Sequence[Path], package: Path, find: Find
) -> list[Path]:
    """Return the source files of a module and of its imports that belong to the roots.

    Args:
        module: The module's name.
        own: The module's file.
        roots: The folders of the workload's own code.
        package: The folder of this package; only its `workloads` counts.
        find: Finds the source of a module.
    """
    found = {own}
    pending = [(module, own)]
    while pending:
        name, path = pending.pop()
        for imported in _imports(name, path, package, find):
            source = find(imported)
            if (
                source
                and source not in found
                and any(_belongs(source, root, package) for root in roots)
            ):
                found.add(source)
                pending.append((imported, source))
    return sorted(found)


def find_in(folder: Path, package: Path) -> Find:
    """Return a finder for modules in a folder and in this package; it imports no parent package.

    Args:
        folder: The spec's folder, with a user's own modules.
        package: The folder of this package.
    """

    def find(name: str) -> Path | None:
        for root in (folder, package.parent):
            place = root.joinpath(*name.split("."))
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if name and path.is_file() and (root == folder or path.is_relative_to(package)):
                    return path
        return None

    return find


def _belongs(source: Path, root: Path, package: Path) -> bool:
    """Return whether a source file counts as part of the folder `root`.

    Libraries do not count, even if an environment is in that folder, nor does code that all
    workloads share.
    """
    if not source.is_relative_to(root):
        return False
    if source.is_relative_to(package):
        return source.is_relative_to(package / "workloads")
    inside = source.relative_to(root).parts
    return not {"site-packages", "dist-packages"} & set(inside) and not source.is_relative_to(
        Path(inspect.__file__).resolve().parent
    )


def _imports(module: str, path: Path, package: Path, find: Find) -> Iterator[str]:
    """Yield the names that a module's source imports, whether they are modules or not."""
    parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _import_statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            for alias in node.names:
                origin = _imported_from(node, parent)
                yield from _origins(origin, alias.name, package, find)


def _origins(module: str, name: str, package: Path, find: Find) -> tuple[str, ...]:
    """Return the modules that can define `name` in `from module import name`.

    Where this package only re-exports a name, as `tuning_playbook.workloads` does, that is the
    module that defines it, without the modules of other re-exported names.
    """
    source = find(module)
    if source and source.name == "__init__.py" and source.is_relative_to(package):
        for node in _import_statements(source.read_text(encoding="utf-8")):
            if isinstance(node, ast.ImportFrom) and name in {item.name for item in node.names}:
                return (_imported_from(node, module),)
    return module, f"{module}.{name}"


def _imported_from(node: ast.ImportFrom, package: str) -> str:
    """Return the full name of the module that a module of `package` imports from."""
    name = "." * node.level + (node.module or "")
    return importlib.util.resolve_name(name, package) if node.level else name


@functools.cache
def _import_statements(source: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Return the imports in a module's source; cached, because many modules share imports."""
    nodes = ast.walk(ast.parse(source))
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
