"""Compare content that was made again with the content of an archive."""

import math
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import xarray as xr

CLOSE = 1e-9
"""Relative tolerance: another machine may sum a mean in another order."""

APART = 0.01
"""In points: most difference of a position in a plot that another version drew."""

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")

ACTIVE_TAGS = ("script", "foreignobject", "iframe", "object", "embed", "animate", "set", "handler")
"""Names of elements that could make a picture do something."""


def alike(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal, up to the last digits of their numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return bool(np.isclose(one, other, rtol=CLOSE, atol=CLOSE, equal_nan=True))
    return type(one) is type(other) and bool(one == other)


def first_difference(one: Any, other: Any, place: str = "") -> str:
    """Return where two different JSON values first differ, like `answer.sentence`."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *other]:
            if key not in one or key not in other:
                return f"{place}.{key}".strip(".")
            if not alike(one[key], other[key]):
                return first_difference(one[key], other[key], f"{place}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            if not alike(*pair):
                return first_difference(*pair, f"{place}[{number}]")
    return place.strip(".") or "the whole"


def dataset_differences(one: xr.Dataset, other: xr.Dataset) -> Iterator[str]:
    """Yield how two datasets differ: the names of variables and of attributes.

    Args:
        one: A dataset as it is read from its file.
        other: Another, likewise.
    """
    for name in sorted({*map(str, one.variables), *map(str, other.variables)}):
        if name not in one.variables or name not in other.variables:
            yield name
            continue
        mine, theirs = one[name], other[name]
        same = mine.dims == theirs.dims and same_values(mine.to_numpy(), theirs.to_numpy())
        if not same or not _same_attributes(mine.attrs, theirs.attrs):
            yield name
    for name in sorted({*one.attrs, *other.attrs}):
        if not _same_attributes({name: one.attrs.get(name)}, {name: other.attrs.get(name)}):
            yield f"the attribute {name}"


def same_values(values: np.ndarray, others: np.ndarray) -> bool:
    """Return whether two arrays have the same values, with NaN equal to NaN."""
    if values.dtype.kind in "OUT" or others.dtype.kind in "OUT":
        return bool(np.array_equal(values.astype(str), others.astype(str)))
    nan = values.dtype.kind == "f" == others.dtype.kind  # such as the ends of a choice's range
    return np.array_equal(values, others, equal_nan=nan)


def _same_attributes(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(
        same_values(np.asarray(one[key]), np.asarray(other[key])) for key in one
    )


def same_picture(one: str, other: str) -> bool:
    """Return whether two SVGs have the same elements, texts and visibly the same numbers."""
    try:
        pairs = zip(
            _flat(ElementTree.fromstring(one)), _flat(ElementTree.fromstring(other)), strict=True
        )
        return all(_same_text(*pair) for pair in pairs)
    except (ElementTree.ParseError, ValueError):
        return False


def _flat(root: ElementTree.Element) -> Iterator[str]:
    """Yield the names, attributes and texts of a tree in document order."""
    for item in root.iter():
        yield item.tag
        yield from (f"{name}={value}" for name, value in sorted(item.attrib.items()))
        yield f"{item.text} {item.tail}"


def _same_text(one: str, other: str) -> bool:
    if one == other:
        return True
    numbers = [[float(found) for found in NUMBER.findall(text)] for text in (one, other)]
    return (
        NUMBER.sub("", one) == NUMBER.sub("", other)
        and len(numbers[0]) == len(numbers[1])
        and all(math.isclose(a, b, abs_tol=APART) for a, b in zip(*numbers, strict=True))
    )


def active_content(svg: str) -> Iterator[str]:
    """Yield what in an SVG is active: it runs, loads, or links to something.

    Args:
        svg: The text of the SVG.
    """
    if "<!ENTITY" in svg or "<?xml-stylesheet" in svg:
        yield "an entity or a style sheet"
        return
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        yield "what is no XML"
        return
    for item in root.iter():
        tag = str(item.tag).rpartition("}")[2].lower()
        if tag in ACTIVE_TAGS:
            yield f"the element {tag}"
        for name, value in item.attrib.items():
            short = name.rpartition("}")[2].lower()
            if short.startswith("on"):
                yield f"the attribute {short}"
            if short in ("href", "src") and not value.startswith("#"):
                yield f"a link to {value[:60]}"
            if "url(" in value.lower() and "url(#" not in value.lower():
                yield f"a link to {value[:60]}"
        if "@import" in (item.text or "") or "url(" in (item.text or "").replace("url(#", ""):
            yield "a style that loads something"
