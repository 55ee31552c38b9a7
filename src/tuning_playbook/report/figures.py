"""The plots of a study as figures of its report: title, place, text for who cannot see them."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.dataset.searched import Searched
from tuning_playbook.planning.plan import axis_stem
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
    "gradient_norms": (
        "Gradient norms",
        "The gradient norm of each arm's best trial against the training step, and its histogram",
    ),
    "best_of": (
        "Best of so many trials",
        "The best objective that smaller budgets would have found, as box plots for each arm",
    ),
    "importance": (
        "Importance",
        "The share of the variance of the objective that each hyperparameter and pair is owed to",
    ),
}
"""Title and description of each plot that is no axis plot, in the report's order."""

PLOTS_FOR: Mapping[str, tuple[str, ...]] = {
    "boundary": (AXIS,),
    "sampling_density": ("best_of", AXIS),
    "infeasible": (AXIS,),
    "unequal_tuning": ("isolation",),
    "overfitting": ("training_curves",),
    "step_variance": ("training_curves",),
    "still_improving": ("training_curves",),
    "saturated_early": ("training_curves",),
    "train_loss_rising": ("training_loss",),
    "best_steps": ("training_curves",),
    "learning_rate_edge": (AXIS, "training_loss"),
    "gradient_norms": ("gradient_norms",),
    "periodicity": ("training_curves",),
    "beats_chance": ("training_curves",),
    "sample_skew": (),
    "mixed_machines": (),
    "importance": ("importance", AXIS),
}
"""The plots that show what a check looks at; `AXIS` stands for axis plots."""

WIDEST_IN_COLUMN = 520
"""A plot up to this wide, in points, can be read in half the page."""

VIEW_BOX = re.compile(r'<svg\b[^>]*\bviewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"')

NAMED_POINTS = re.compile(r'<g id="trials-([0-9a-f-]+)">(.*?)</g>', re.DOTALL)
POINT = re.compile(r'<use\b[^>]*\bx="([\d.]+)"[^>]*\by="([\d.]+)"')
"""Points of trials, as `plots.points` leaves them in an SVG."""


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
        points: Which trial stands where, for the page's script: `<trial> <x> <y>` joined by `;`,
            the place in per cent of the width and the height, the best trial first.
    """

    stem: str
    title: str
    description: str
    source: str
    width: int
    height: int
    hyperparameter: str = ""
    arms: tuple[str, ...] = ()
    points: str = ""

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
    axes = {axis_stem(item.name, item.condition): item for item in searched}

    def place(stem: str) -> tuple[int, int, str]:
        if stem in STANDARD:
            return (0, list(STANDARD).index(stem), stem)
        if stem in axes:
            return (1, list(axes).index(stem), stem)
        return (2, 0, stem)

    return tuple(
        _make_figure(stem, plots[stem], axes.get(stem)) for stem in sorted(plots, key=place)
    )


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


def _make_figure(stem: str, svg: str, searched: Searched | None) -> Figure:
    if searched:
        title = searched.label
        description = f"Objective of every trial against {title}; infeasible trials are crosses"
        if searched.role == "scientific":
            description += "; a bar is the best trial of each slice of the range"
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
        hyperparameter=searched.name if searched else "",
        arms=searched.arms if searched else (),
        points=_points(svg, float(size[1]), float(size[2])) if size else "",
    )


def _points(svg: str, width: float, height: float) -> str:
    found = []
    for group in NAMED_POINTS.finditer(svg):
        trials, places = group[1].split("-"), POINT.findall(group[2])
        if len(trials) == len(places):  # matplotlib draws no point beyond the picture
            found += [
                f"{trial} {100 * float(x) / width:.2f} {100 * float(y) / height:.2f}"
                for trial, (x, y) in zip(trials, places, strict=True)
            ]
    return ";".join(found)
