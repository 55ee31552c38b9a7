"""The plots of a study as figures of its report: title, place, text for who cannot see them."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.dataset.searched import Searched
from tuning_playbook.report.formatting import anchor

AXIS = "axis_"
"""What the file stem of an axis plot begins with."""

STANDARD = {
    "isolation": (
        "Isolation plot",
        "The best trial of each arm, after optimizing away the nuisance hyperparameters",
    ),
    "reruns": (
        "Reruns",
        "The objective of every rerun on a fresh seed, for each arm's best trial and the baseline",
    ),
    "training_curves": (
        "Training curves",
        "The objective metric of every trial against the training step, the best few in front",
    ),
    "training_loss": (
        "Training loss",
        "The training loss of every trial against the training step, the best few in front",
    ),
}
"""Title and description of each plot that is no axis plot, in the report's order."""

PLOTS_FOR: Mapping[str, tuple[str, ...]] = {
    "boundary": (AXIS,),
    "infeasible": (AXIS,),
    "overfitting": ("training_curves",),
    "still_improving": ("training_curves",),
    "saturated_early": ("training_curves",),
    "best_steps": ("training_curves",),
}
"""The plots that show what a check looks at; `AXIS` stands for axis plots."""

WIDEST_IN_COLUMN = 520
"""A plot up to this wide, in points, can be read in half the page."""

VIEW_BOX = re.compile(r'<svg\b[^>]*\bviewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Figure:
    """One plot, as the report embeds it.

    Attributes:
        stem: The stem of the plot's file.
        title: Its heading.
        description: What it shows; also the text for who cannot see it.
        source: The image as a data URI.
        width: Width of its view box; 0 where the SVG does not say.
        height: Height of its view box; 0 where the SVG does not say.
        hyperparameter: What the horizontal axis of an axis plot shows; otherwise empty.
        arms: The arms in which that hyperparameter exists.
    """

    stem: str
    title: str
    description: str
    source: str
    width: int
    height: int
    hyperparameter: str = ""
    arms: tuple[str, ...] = ()

    @property
    def wide(self) -> bool:
        """Whether the plot needs the page's whole width."""
        return self.width > WIDEST_IN_COLUMN

    @property
    def anchor(self) -> str:
        """The figure's id in the report."""
        return f"plot-{anchor(self.stem)}"


def make_figures(plots: Mapping[str, str], searched: Sequence[Searched]) -> tuple[Figure, ...]:
    """Make the figures of a report: the standard plots, the axis plots, then any others.

    Args:
        plots: The text of each SVG, by the stem of its file.
        searched: The searched hyperparameters, whose order the axis plots follow.
    """
    positions = {item.name: position for position, item in reversed(list(enumerate(searched)))}

    def place(stem: str) -> tuple[int, int, str]:
        if stem in STANDARD:
            return (0, list(STANDARD).index(stem), stem)
        if stem.startswith(AXIS):
            return (1, positions.get(_axis_name(stem), len(positions)), stem)
        return (2, 0, stem)

    return tuple(_make_figure(stem, plots[stem], searched) for stem in sorted(plots, key=place))


def supporting_figures(
    check: str, texts: Sequence[str], figures: Iterable[Figure]
) -> tuple[Figure, ...]:
    """Return the figures a reader needs beside a finding.

    Args:
        check: The name of the finding's check.
        texts: What the finding says, most important first. Its axis plots are those of the
            hyperparameters that the first of these texts names, or all where none names any.
        figures: The figures of the report.
    """
    figures = tuple(figures)
    stems = PLOTS_FOR.get(check, ())
    axes = [figure for figure in figures if figure.hyperparameter] if AXIS in stems else []
    named = next(filter(None, (_named(axes, text) for text in texts)), axes)
    return (*(figure for figure in figures if figure.stem in stems), *named)


def _named(axes: Sequence[Figure], text: str) -> list[Figure]:
    """Return the axis plots of the hyperparameters a text names, in the arms that it names."""
    words = set(re.findall(r"\w+", text))
    named = [figure for figure in axes if figure.hyperparameter in words]
    return [figure for figure in named if any(arm in text for arm in figure.arms)] or named


def _axis_name(stem: str) -> str:
    return stem.removeprefix(AXIS).partition(".")[0]


def _make_figure(stem: str, svg: str, searched: Sequence[Searched]) -> Figure:
    hyperparameter = ""
    arms: tuple[str, ...] = ()
    if stem.startswith(AXIS):
        hyperparameter = _axis_name(stem)
        slug = stem.removeprefix(f"{AXIS}{hyperparameter}").removeprefix(".")
        title, arms = _describe_axis(hyperparameter, slug, searched)
        description = f"Objective of every trial against {title}; infeasible trials are crosses"
    elif stem in STANDARD:
        title, description = STANDARD[stem]
    else:
        title = description = stem.replace("_", " ").capitalize()
    size = VIEW_BOX.search(svg)
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return Figure(
        stem=stem,
        title=title,
        description=description,
        source=f"data:image/svg+xml;base64,{encoded}",
        width=round(float(size[1])) if size else 0,
        height=round(float(size[2])) if size else 0,
        hyperparameter=hyperparameter,
        arms=arms,
    )


def _describe_axis(
    name: str, slug: str, searched: Sequence[Searched]
) -> tuple[str, tuple[str, ...]]:
    """Return the label and the arms of the hyperparameter whose condition reads like `slug`."""
    for item in searched:
        if item.name == name and _letters(item.condition) == _letters(slug):
            return item.label, item.arms
    return (f"{name} ({slug})" if slug else name), ()


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
