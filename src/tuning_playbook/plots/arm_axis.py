"""A plot with one place for each arm."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.plots.style import WIDTH, wrapped

FEW = 6
"""With more arms their names stand upright."""

ROOM = 0.4
"""Inches that an arm needs at least."""

LETTERS = 56
"""So many letters fit under a plot of the usual width."""

LETTER = 0.09
"""Inches that an upright letter takes from the height."""


def arm_axes(names: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure with a place for each arm, 0 to their number less one, named on the axis."""
    few = len(names) <= FEW
    width, lines = (LETTERS // max(1, len(names)), 3) if few else (28, 1)
    labels = [wrapped(name, width, lines) for name in names]
    upright = 0 if few else max(len(label) for label in labels)
    figure = Figure(figsize=(max(WIDTH, ROOM * len(names)), 3.6 + LETTER * upright))
    axes = figure.add_subplot()
    axes.set_xticks(range(len(names)), labels, rotation=90 if upright else 0)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.grid(visible=False, axis="x")
    return figure, axes
