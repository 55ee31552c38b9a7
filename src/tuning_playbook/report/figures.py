"""The plots of a study as figures of its report: title, place, alternative text."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.dataset.searched import Searched
from tuning_playbook.planning.plan import axis_stem
from tuning_playbook.plots.picture import read_picture
from tuning_playbook.report.formatting import anchor

AXIS = "axis"
"""Placeholder for the axis plots, whose file names vary."""

STANDARD = {
    "isolation": (
        "Isolation plot",
        "The best trial of each arm, or slice of a range, after optimizing away the nuisance "
        "hyperparameters",
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
        "The best objective that smaller budgets would have found, as box plots for each arm, and "
        "the median best of another search with a 95 % confidence band",
    ),
    "importance": (
        "Importance",
        "The share of the variance of the objective that each hyperparameter and pair explains",
    ),
}
"""Title and description of each plot except the axis plots, in the report's order."""

PLOTS_FOR: Mapping[str, tuple[str, ...]] = {
    "boundary": (AXIS,),
    "sampling_density": ("best_of", AXIS),
    "infeasible": (AXIS,),
    "unequal_tuning": ("isolation",),
    "collapse": ("training_curves", "training_loss"),
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
    "nothing_matters": (AXIS,),
    "importance": ("importance", AXIS),
}
"""The plots that show the data of each check."""

WIDEST_IN_COLUMN = 520
"""The largest width, in points, of a plot that is readable in half the page."""


@dataclass(frozen=True)
class Figure:
    """One plot, as the report embeds it.

    Attributes:
        stem: The stem of the plot's file.
        title: Its heading.
        description: What it shows; also the text for who cannot see it.
        image: The image as a data URI.
        width: Width of its view box; 0 where the SVG does not say.
        height: Height of its view box; 0 where the SVG does not say.
        axis: The name and the condition of the hyperparameter that an axis plot shows; None of any
            other plot.
        arms: The arms in which that hyperparameter exists.
        points: Which trial is where, for the page's script: `<trial> <x> <y>` joined by `;`,
            the place in per cent of the width and the height, the best trial first.
    """

    stem: str
    title: str
    description: str
    image: str
    width: int
    height: int
    axis: tuple[str, str] | None = None
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


def supporting_figures(finding: Mapping[str, Any], figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Return the figures that a finding needs.

    Of the axis plots these are the ones of the hyperparameters that it is about; of all those in
    its arms where it is about none; and all where it is about no arm either.

    Args:
        finding: As `diagnostics.json` holds it.
        figures: The figures of the report.
    """
    figures = tuple(figures)
    stems = PLOTS_FOR.get(str(finding["check"]), ())
    axes = [figure for figure in figures if figure.axis] if AXIS in stems else []
    named = {(item["name"], item["condition"]) for item in finding.get("hyperparameters", ())}
    arms = set(finding.get("arms", ()))
    of_hyperparameters = [figure for figure in axes if figure.axis in named]
    of_arms = [figure for figure in axes if arms.intersection(figure.arms)]
    return (
        *(figure for figure in figures if figure.stem in stems),
        *(of_hyperparameters or of_arms or axes),
    )


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
    picture = read_picture(svg)
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return Figure(
        stem=stem,
        title=title,
        description=description,
        image=f"data:image/svg+xml;base64,{encoded}",
        width=round(picture.width),
        height=round(picture.height),
        axis=(searched.name, searched.condition) if searched else None,
        arms=searched.arms if searched else (),
        points=";".join(
            f"{place.trial} {100 * place.across:.2f} {100 * place.down:.2f}"
            for place in picture.places
        ),
    )
