"""Read YAML into plain values, remembering where each of them is."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from tuning_playbook.errors import SpecError
from tuning_playbook.study.limits import MOST_BYTES, MOST_VALUES

MERGE = "<<"
"""The key of YAML that takes the pairs of other mappings."""

Location = tuple[str | int, ...]
"""The keys and indices that lead from a document's root to one of its values."""


def read_yaml(path: Path, *, what: str) -> tuple[dict[str, Any], str]:
    """Return the mapping in a YAML 1.2 file, and the file's text.

    Only plain values are built: a tag that would make an object is an error.

    Args:
        path: The file.
        what: What it should hold, for the messages: "study spec", "baseline".

    Raises:
        SpecError: The file cannot be read, is empty, is not YAML or is not a mapping.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise SpecError(
                f"{path}: the {what} has {size:,} bytes, more than the {MOST_BYTES:,} that are "
                "read: leave long texts and lists of trials out, or give those as a table under "
                "'source'"
            )
        if not path.is_file():
            raise SpecError(f"{path}: the {what} is no file")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(f"{path}: there is no such {what}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: the {what} cannot be read: {error}") from None
    try:
        if MERGE in text:  # what it merges is written out while it is read
            _check_merged(path, YAML(typ="safe", pure=True).compose(text))
        document = YAML(typ="safe", pure=True).load(text)
        _check_size(path, document)
    except RecursionError:
        raise SpecError(
            f"{path}: its values are nested without end, or nearly so; does one contain itself?"
        ) from None
    except YAMLError as error:
        raise SpecError(f"{path}: {_explain(error)}") from None
    except ValueError as error:
        raise SpecError(f"{path}: a value is not what its tag says: {error}") from None
    if document is None:
        raise SpecError(f"{path}: the {what} is empty; config/README.md lists its keys")
    if not isinstance(document, dict):
        raise SpecError(
            f"{path}: a {what} is a mapping of keys to values, not a {type(document).__name__}"
        )
    return document, text


def line_of(text: str, location: Location) -> int | None:
    """Return the line (from 1) of the deepest part of `location` that is in the document."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    line = None
    for key in location:
        step = _child(node, key)
        if step is None:
            break
        mark, node = step
        line = mark
    return line


def _child(node: Node | None, key: str | int) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == str(key):
                return key_node.start_mark.line + 1, value_node
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        child = node.value[key]
        return child.start_mark.line + 1, child
    return None


def _check_merged(path: Path, document: Node | None) -> None:
    """Check that no mapping has too many pairs once what it merges is written out.

    Raises:
        RecursionError: One merges itself.
        SpecError: One has too many.
    """
    counts: dict[int, int | None] = {}

    def pairs(node: Node) -> int:
        """Return the pairs of a mapping, and look through all that is within."""
        if id(node) in counts:
            known = counts[id(node)]
            if known is None:
                raise RecursionError
            return known
        counts[id(node)] = None
        found = 0
        if isinstance(node, SequenceNode):
            found = sum(map(pairs, node.value))
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                inside = pairs(value)
                found += inside if key.value == MERGE else 1
        counts[id(node)] = found
        if found > MOST_VALUES:
            raise SpecError(
                f"{path}: line {node.start_mark.line + 1}: with what it merges ('{MERGE}') written "
                f"out it has {found:.15g} keys, more than the {MOST_VALUES:,} that are read"
            )
        return found

    if document is not None:
        pairs(document)


def _check_size(path: Path, document: Any) -> None:
    """Check that a document has an end, and not too many values once its aliases are written out.

    Raises:
        RecursionError: It contains itself by an alias.
        SpecError: It has too many values.
    """
    sizes: dict[int, int | None] = {}

    def size(value: Any) -> int:
        if not isinstance(value, dict | list):
            return 1
        if id(value) in sizes:  # an alias: looked through once, counted every time
            known = sizes[id(value)]
            if known is None:
                raise RecursionError
            return known
        sizes[id(value)] = None
        found = 1 + sum(map(size, value.values() if isinstance(value, dict) else value))
        sizes[id(value)] = found
        return found

    if (values := size(document)) > MOST_VALUES:
        raise SpecError(
            f"{path}: with its aliases written out it has {values:.15g} values, more than the "
            f"{MOST_VALUES:,} that are read: write out fewer, or give a range"
        )


def _explain(error: YAMLError) -> str:
    """Say in one line what is wrong and where; a parser's own message runs over several."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "constructor for the tag" in problem:
        return f"{where}{problem}; a spec holds plain values only, so take the tag away"
    if "duplicate key" in problem:
        return f"{where}{problem}; give each key once"
    return f"{where}not valid YAML: {problem}"
