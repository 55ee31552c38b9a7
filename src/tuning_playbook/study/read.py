"""Read a study spec or a baseline from its file, with errors that name the line and the key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tuning_playbook.errors import SpecError, nearest
from tuning_playbook.study import shape
from tuning_playbook.study.base import Shape
from tuning_playbook.study.baselines import Baseline
from tuning_playbook.study.batch_scaling_settings import (
    BatchScalingSettings,
    objection_to_scaling,
)
from tuning_playbook.study.draft import error_at
from tuning_playbook.study.earlier_results import Reference, find_references, without
from tuning_playbook.study.import_spec import ImportSpec, Source
from tuning_playbook.study.origin import EarlierResult, Taken
from tuning_playbook.study.procedure_settings import ProcedureSettings, ProcedureSpec, as_study
from tuning_playbook.study.roles import NEVER_A_HYPERPARAMETER
from tuning_playbook.study.searches import Search
from tuning_playbook.study.values import RANGE, VALUES
from tuning_playbook.study.workload_description import is_command
from tuning_playbook.study.yaml import Location, read_yaml

ShapeT = TypeVar("ShapeT", bound=Shape)

MAX_MESSAGES = 5
"""Errors shown at once; the first few name the cause, the rest follow from it."""


def _tags(union: Any, key: str) -> tuple[str, ...]:
    """Return the values of the key by which the members of a discriminated union differ."""
    members = get_args(get_args(union)[0])
    return tuple(get_args(item.model_fields[key].annotation)[0] for item in members)


TAGS = {
    "search": ("algorithm", _tags(Search, "algorithm")),
    "source": ("format", _tags(Source, "format")),
    "procedure": ("name", _tags(ProcedureSettings, "name")),
}
"""The keys whose shape one of their own keys chooses, and its known values."""

NOT_WITH_A_SOURCE = "is not given with 'source': those trials are finished, nothing is trained"
NOT_OF_A_COMMAND = (
    "its rounds need trainings by our own engine, which evaluates every step and has schedules, "
    "and the workload is a command: remove this key, and search the learning rate under "
    "'nuisance'"
)
UNION_MEMBERS = ("[key]", "bool", "int", "float", "str")
SEARCHED = ("scientific", "nuisance", "conditional")
"""The keys of a spec of which any needs a search."""

LONGEST_VALUE = 200
"""Letters of a value that an error shows."""

EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
"""What is expected where a value is of another type, by what pydantic calls the error."""

FORMS = (VALUES, RANGE)
"""The two forms of a scientific hyperparameter, which a place in the spec does not name."""


@dataclass(frozen=True)
class WrittenSpec:
    """A study spec as it is written.

    Attributes:
        path: Its file.
        document: As YAML gives it, of the right shape but for its references.
        text: The file's text.
        references: What it takes from earlier studies, and still has to be found.
        shape: The spec; where it has references, with any values in their places.
        baseline: The incumbent, where it was taken from an earlier study.
        taken: What was taken from earlier studies.
        procedure: The settings of the procedure that it is of, if of one; then `shape` is its spec
            as that of a study.
        name: The study's name, where that is not the stem of its file.
    """

    path: Path
    document: dict[str, Any]
    text: str
    references: tuple[Reference, ...]
    shape: shape.StudySpec | ImportSpec
    baseline: EarlierResult | None = None
    taken: tuple[Taken, ...] = ()
    procedure: ProcedureSettings | None = None
    name: str = ""


def read_spec(path: Path) -> WrittenSpec:
    """Return a study spec of the right shape.

    With a `source` it is a study of imported trials, whose shape is another; with a `procedure` it
    is a recipe of several rounds.

    Raises:
        SpecError: It cannot be read, or a key or value is not of the right shape.
    """
    return written_spec(path, *read_yaml(path, what="study spec"))


def written_spec(path: Path, document: dict[str, Any], text: str) -> WrittenSpec:
    """Return the spec that a document of YAML holds; otherwise as `read_spec`."""
    if "source" in document:
        return WrittenSpec(path, document, text, (), validate(document, text, path, ImportSpec))
    references = find_references(document, path, text)
    spec, procedure = shape_of(without(document, references), text, path)
    return WrittenSpec(path, document, text, references, spec, procedure=procedure)


def shape_of(
    document: dict[str, Any], text: str, path: Path
) -> tuple[shape.StudySpec, ProcedureSettings | None]:
    """Return the spec of a document without references, and the procedure that it asks for.

    Args:
        document: As YAML gives it.
        text: The file's text, for errors.
        path: The file, for errors.

    Raises:
        SpecError: A key or value is not of the right shape, or a procedure is to train a command.
    """
    if "procedure" not in document:
        return validate(document, text, path, shape.StudySpec), None
    asked = validate(document, text, path, ProcedureSpec)
    procedure = asked.procedure
    if is_command(asked.workload):
        raise error_at(path, text, ("procedure",), NOT_OF_A_COMMAND)
    if "search" not in document and not document.keys().isdisjoint(SEARCHED):
        raise error_at(path, text, ("search",), "this key is required where something is searched")
    if isinstance(procedure, BatchScalingSettings) and (why_not := objection_to_scaling(asked)):
        raise error_at(path, text, *why_not)
    return validate(as_study(document, procedure), text, path, shape.StudySpec), procedure


def read_baseline(path: Path) -> tuple[Baseline, str]:
    """Return a baseline of the right shape, and its text.

    Raises:
        SpecError: It cannot be read, or a key or value is not of the right shape.
    """
    document, text = read_yaml(path, what="baseline")
    return validate(document, text, path, Baseline), text


def validate(document: dict[str, Any], text: str, path: Path, model: type[ShapeT]) -> ShapeT:
    """Return what a document of YAML holds, in its shape; text and path are for errors.

    Raises:
        SpecError: A key or value is not of the right shape.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
    groups: dict[Location, list[ErrorDetails]] = {}
    for detail in details:
        groups.setdefault(_location(detail), []).append(detail)
    # To find the line of each, the text is read again: so only what is shown is explained.
    shown = list(groups.items())[:MAX_MESSAGES]
    messages = [
        str(error_at(path, text, location, reason))
        for location, found in shown
        for reason in _reasons(found, model, location)
    ]
    if len(groups) > len(shown):
        messages.append(f"{path}: and {len(groups) - len(shown)} more")
    raise SpecError("\n".join(dict.fromkeys(messages)))


def _location(detail: ErrorDetails) -> Location:
    """Return where in a spec an error is.

    Pydantic adds the names of a union's members to a location; a spec has no such keys.
    """
    return tuple(
        part
        for index, part in enumerate(detail["loc"])
        if not (index == 1 and detail["loc"][0] in TAGS and part in TAGS[detail["loc"][0]][1])
        and not (part in UNION_MEMBERS and index == len(detail["loc"]) - 1 and index > 1)
        and not str(part).startswith(("list[", "dict[", "function-", "constrained-"))
        and part not in FORMS
    )


def _reasons(
    found: Sequence[ErrorDetails], model: type[BaseModel], location: Location
) -> list[str]:
    """Return what is wrong at a place: what is expected there once, not once a type."""
    others = [detail for detail in found if detail["type"] not in EXPECTED]
    if others or len(found) == 1:
        return [_reason(detail, model, location) for detail in others or found]
    expected = list(dict.fromkeys(EXPECTED[detail["type"]] for detail in found))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    listed = ", ".join(expected[:-1]) + " or " * (len(expected) > 1) + expected[-1]
    return [f"must be {listed}, not {in_yaml(found[0]['input'])}"]


def in_yaml(value: object) -> str:
    """Return a value in YAML's words, cut off where it is long.

    Example:
        >>> in_yaml(None), in_yaml(True), in_yaml("a")
        ('null', 'true', "'a'")
    """
    written = repr(value)
    if value is None:
        written = "null"
    elif isinstance(value, bool):
        written = str(value).lower()
    return written if len(written) <= LONGEST_VALUE else f"{written[:LONGEST_VALUE]}..."


def _reason(detail: ErrorDetails, model: type[BaseModel], location: Location) -> str:
    context: dict[str, Any] = detail.get("ctx") or {}
    given = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            reason = _unknown_key(model, location)
        case "missing":
            reason = "this key is required and missing"
        case "union_tag_invalid":
            key, known = TAGS[str(location[0])]
            tag = str(context["tag"])
            reason = f"{key} '{tag}' is not one of {', '.join(known)}{nearest(tag, known)}"
        case "union_tag_not_found":
            key, known = TAGS[str(location[0])]
            reason = f"give the {key}, one of {', '.join(known)}"
        case "literal_error":
            reason = f"must be {context['expected']}, not {in_yaml(given)}"
        case "value_error":
            reason = str(context["error"])
        case kind if given is None and kind in EXPECTED:
            reason = f"must be {EXPECTED[kind]}, not null; leave the key out, or give it a value"
        case "string_type" if isinstance(given, int | float):
            reason = f"input should be a valid string, not {in_yaml(given)}; write it in quotes"
        case _:
            reason = f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {in_yaml(given)}"
    return reason


def _unknown_key(model: type[BaseModel], location: Location) -> str:
    known = _fields_at(model, location[:-1])
    name = str(location[-1])
    if location == ("search", "seed"):
        return "this search draws nothing; training.seed gives its trials other seeds"
    if name in NEVER_A_HYPERPARAMETER and location[0] != "training":
        return NEVER_A_HYPERPARAMETER[name]
    if model is ImportSpec and len(location) == 1 and name in shape.StudySpec.model_fields:
        return NOT_WITH_A_SOURCE
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
