"""A plot with one place for each arm."""

from collections.abc import Sequence
from dataclasses import replace

import xarray as xr
from matplotlib.figure import Figure

from tuning_playbook.analysis.ranking import arm_settings
from tuning_playbook.plots.places import Places, places_of, write_labels
from tuning_playbook.plots.style import WIDTH, clean

LEAST = 0.4
"""Inches that an arm needs at least."""


def arm_axes(study: xr.Dataset, names: Sequence[str]) -> tuple[Figure, Places]:
    """Return a figure with a place for each arm, under which its name stands.

    Arms that differ in one number alone stand on an axis of that number.

    Args:
        study: The study, for what its arms are.
        names: Of the arms that are shown, and of the baseline where it is among them.
    """
    figure = Figure(figsize=(max(WIDTH, LEAST * len(names)), 3.6))
    axes = figure.add_subplot()
    axes.grid(visible=False, axis="x")
    hyperparameter, values = _numbers(study, names)
    places = places_of(axes, values or names)
    if places.numeric:
        axes.set_xlabel(clean(hyperparameter))
    else:
        places = replace(places, labels=tuple(names))
    write_labels(figure, places)
    return figure, places


def _numbers(study: xr.Dataset, names: Sequence[str]) -> tuple[str, list[object]]:
    """Return the one hyperparameter that arms differ in, and the value of each arm."""
    settings = arm_settings(study)
    shown = [settings.get(name, {}) for name in names]
    if all(len(setting) == 1 for setting in shown) and len({*map(tuple, shown)}) == 1:
        return next(iter(shown[0])), [next(iter(setting.values())) for setting in shown]
    return "", []
