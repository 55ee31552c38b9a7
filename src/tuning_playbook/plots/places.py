"""Where values and their neighbours stand on a horizontal axis: numbers in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.scales import side_by_side, tick_labels
from tuning_playbook.plots.style import text_width, wrapped

MOST_GAPS = 20.0
"""Numbers closer than this part of the axis could not be distinguished on it."""


LOG_RATIO = 10.0
"""Numbers that span this ratio or more are drawn in orders of magnitude."""

ROOM = 0.22
"""Inches that a line of upright letters needs from its neighbour."""

EDGE = 1.2
"""Inches of a figure's width that its horizontal axis does not have."""

UPRIGHT = 28
"""Letters of an upright line."""


@dataclass(frozen=True)
class Places:
    """Places on a horizontal axis, one for each of some values.

    Attributes:
        axes: Of the plot, with its scale.
        centres: The places, in the axis's own scale: [value].
        gap: The least distance between two neighbours, likewise.
        labels: What is under each place.
        numeric: Whether the axis is one of numbers.
    """

    axes: Axes
    centres: Floats
    gap: float
    labels: tuple[str, ...]
    numeric: bool

    def beside(self, place: Any, aside: Any = 0.0) -> Floats:
        """Return where on the axis something stands that belongs to a place.

        Args:
            place: Which place, or several.
            aside: How far it is to the right, as a part of the distance between neighbours.
        """
        across = self.centres[np.asarray(place, dtype=int)] + self.gap * np.asarray(aside)
        return np.asarray(self.axes.xaxis.get_transform().inverted().transform(across))

    @property
    def ticks(self) -> Floats:
        """The places as the axis is measured."""
        return self.beside(np.arange(len(self.centres)))


def places_of(axes: Axes, values: Sequence[Any]) -> Places:
    """Return the places of values on a horizontal axis, and scale the axis to them.

    Different numbers stand where their size says: on a logarithmic axis where they are positive
    and span a factor of ten, with zero one step below the least of them if it is among them.
    Anything else, and numbers too close to tell apart, has one place after the other.
    """
    numbers = (
        np.array([float(value) for value in values])
        if len(values) > 1 and all(_is_number(value) for value in values)
        else np.empty(0)
    )
    if len(numbers) and np.isfinite(numbers).all() and len(set(numbers)) == len(numbers):
        _set_scale(axes, numbers)
        centres = axes.xaxis.get_transform().transform(numbers)
        gap, width = float(np.diff(np.sort(centres)).min()), float(np.ptp(centres))
        if gap > 0 and width / gap <= MOST_GAPS:
            places = Places(axes, centres, gap, tuple(tick_labels(numbers.tolist())), numeric=True)
            _set_ends(axes, places, float(numbers.min()), float(numbers.max()))
            return places
    axes.set_xscale("linear")
    labels = tuple(str(value) for value in values)
    places = Places(axes, np.arange(len(labels), dtype=float), 1.0, labels, numeric=False)
    axes.set_xlim(-0.5, max(1, len(labels)) - 0.5)
    return places


def write_labels(figure: Figure, places: Places, lines: int = 3) -> None:
    """Write what is under each place: side by side where there is room, or else upright.

    The figure becomes wider, or higher, for what needs it.

    Args:
        figure: Of the plot.
        places: The places, after the axis has its limits.
        lines: The most lines of a label; an upright one has two at most.
    """
    axes = places.axes
    width, height = figure.get_size_inches()
    scale = axes.xaxis.get_transform()
    low, high = scale.transform(np.array(axes.get_xlim()))
    inches = (width - EDGE) / float(high - low)
    room = places.gap * inches
    most, least = (max(1, int(room / text_width(letter))) for letter in ("s", "a"))
    for letters in range(most, least - 1, -1):
        labels = [wrapped(label, letters, lines) for label in places.labels]
        if fits := side_by_side(places.centres * inches, labels):
            break
    upright = [wrapped(label, UPRIGHT, min(lines, 2)) for label in places.labels]
    if not fits or sum(map(len, labels)) < sum(map(len, upright)):
        fits, labels = False, upright
        rows = 1 + max(label.count("\n") for label in labels)
        deep = max((text_width(label) for label in labels), default=0.0)
        part = places.gap / float(high - low)
        figure.set_size_inches(max(width, EDGE + ROOM * rows / part), height + deep)
    axes.set_xticks(places.ticks, labels, rotation=0 if fits else 90)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _set_scale(axes: Axes, numbers: Floats) -> None:
    positive = np.sort(numbers[numbers > 0])
    if numbers.min() < 0 or len(positive) < 2 or positive[-1] < LOG_RATIO * positive[0]:
        axes.set_xscale("linear")
    elif numbers.min() > 0:
        axes.set_xscale("log")
    else:
        step = float(np.diff(np.log10(positive)).min())
        axes.set_xscale("symlog", linthresh=float(positive[0]), linscale=step)


def _set_ends(axes: Axes, places: Places, low: float, high: float) -> None:
    """Leave half a gap beyond the outermost places."""
    scale = axes.xaxis.get_transform()
    ends = scale.transform(np.array([low, high])) + np.array([-0.5, 0.5]) * places.gap
    axes.set_xlim(*(float(end) for end in scale.inverted().transform(ends)))
    axes.set_xticks([], minor=True)
