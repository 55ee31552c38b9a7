"""What the SVG of a plot says of itself: how large it is, and which trial is where."""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

NAMED = "trials-"
"""What the id of a group of points begins with; the trials' ids follow, with dashes."""

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Place:
    """A point of a trial.

    Attributes:
        trial: The trial's id.
        across: Its distance from the left edge, as a part of the width.
        down: Its distance from the upper edge, as a part of the height.
    """

    trial: str
    across: float
    down: float


@dataclass(frozen=True)
class Picture:
    """A plot as its SVG describes it.

    Attributes:
        width: In points; 0 where the SVG does not say.
        height: Likewise.
        places: Of the points that `name_points` named, in its order.
    """

    width: float = 0.0
    height: float = 0.0
    places: tuple[Place, ...] = ()


def read_picture(svg: str) -> Picture:
    """Return the size of a plot and the places of its trials.

    Args:
        svg: The text of its file.
    """
    root = ElementTree.fromstring(svg)
    box = root.get("viewBox", "").split()
    if len(box) != 4:
        return Picture()
    width, height = (float(number) for number in box[2:])
    return Picture(width, height, tuple(_places(root, width, height)))


def _places(root: ElementTree.Element, width: float, height: float) -> Iterator[Place]:
    for group in root.iter(f"{SVG}g"):
        name = group.get("id", "")
        if not name.startswith(NAMED):
            continue
        trials = name.removeprefix(NAMED).split("-")
        points = list(group.iter(f"{SVG}use"))
        if len(trials) == len(points):  # matplotlib draws no point beyond the picture
            for trial, point in zip(trials, points, strict=True):
                across, down = float(point.get("x", "0")), float(point.get("y", "0"))
                yield Place(trial, across / width, down / height)
