"""Read a study spec or a baseline from its file, with errors that name the line and the key."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.spec import shape
from tuning_playbook.spec.rules import NEVER_A_HYPERPARAMETER
from tuning_playbook.spec.source import error_at
from tuning_playbook.spec.yaml import Location, read_yaml

ShapeT = TypeVar("ShapeT", bound=shape.Shape)

MAX_MESSAGES = 5
"""Errors shown at once; the first few name the cause, the rest follow from it."""

ALGORITHMS = ("halton", "random", "grid", "list")
UNION_MEMBERS = ("[key]", "bool", "int", "float", "str")


def read_spec(path: Path) -> tuple[shape.StudySpec, str]:
    """Return a study spec of the right shape, and its text.

    Raises:
        SpecError: It cannot be read, or a key or value is not of the right shape.
    """
    return _read(path, shape.StudySpec, what="study spec")


def read_baseline(path: Path) -> tuple[shape.Baseline, str]:
    """Return a baseline of the right shape, and its text.

    Raises:
        SpecError: It cannot be read, or a key or value is not of the right shape.
    """
    return _read(path, shape.Baseline, what="baseline")


def _read(path: Path, model: type[ShapeT], *, what: str) -> tuple[ShapeT, str]:
    document, text = read_yaml(path, what=what)
    try:
        return model.model_validate(document), text
    except ValidationError as error:
        details = error.errors(include_url=False)
    messages = list(dict.fromkeys(_explain(detail, model, path, text) for detail in details))
    more = len(messages) - MAX_MESSAGES
    if more > 0:
        messages = [*messages[:MAX_MESSAGES], f"{path}: and {more} more"]
    raise SpecError("\n".join(messages))


def _explain(detail: ErrorDetails, model: type[BaseModel], path: Path, text: str) -> str:
    # Pydantic adds the names of a union's members to a location; a spec has no such keys.
    location = tuple(
        part
        for index, part in enumerate(detail["loc"])
        if not (index == 1 and detail["loc"][0] == "search" and part in ALGORITHMS)
        and not (part in UNION_MEMBERS and index == len(detail["loc"]) - 1 and index > 1)
        and not str(part).startswith(("list[", "function-"))
    )
    return str(error_at(path, text, location, _reason(detail, model, location)))


def _reason(detail: ErrorDetails, model: type[BaseModel], location: Location) -> str:
    context: dict[str, Any] = detail.get("ctx") or {}
    given = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            reason = _unknown_key(model, location)
        case "missing":
            reason = "this key is required and missing"
        case "union_tag_invalid":
            known = ", ".join(ALGORITHMS)
            tag = str(context["tag"])
            reason = f"algorithm '{tag}' is not one of {known}{nearest(tag, ALGORITHMS)}"
        case "union_tag_not_found":
            reason = f"give the algorithm, one of {', '.join(ALGORITHMS)}"
        case "literal_error":
            reason = f"must be {context['expected']}, not {given!r}"
        case "value_error":
            reason = str(context["error"])
        case _:
            reason = f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {given!r}"
    return reason


def _unknown_key(model: type[BaseModel], location: Location) -> str:
    known = _fields_at(model, location[:-1])
    name = str(location[-1])
    if name in NEVER_A_HYPERPARAMETER and location[0] != "training":
        return NEVER_A_HYPERPARAMETER[name]
    return f"unknown key{nearest(name, known)} (known here: {', '.join(known)})"


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys known where `location` leads, walking the JSON schema of the model."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    node: dict[str, Any] = schema
    for part in location:
        node = _resolve(node, definitions)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return list(_resolve(node, definitions).get("properties", {}))


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _resolve(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    merged: dict[str, Any] = {}
    for option in node.get("oneOf", []) + node.get("anyOf", []):
        merged |= _resolve(option, definitions).get("properties", {})
    return node | {"properties": merged} if merged else node
