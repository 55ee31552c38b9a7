"""One look for all plots: readable in print, in grey, by the colour-blind and on a phone."""

import textwrap
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tuning_playbook.files import atomic

WIDTH = 6.0
"""Inches. Shown 400 pixels wide, its 11-point text is 10 pixels high and can still be read."""

LEGEND_LINE = 0.215
"""Inches that a line of a legend takes."""

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"
VERMILION, BLACK, GREY, PALE = "#D55E00", "#000000", "#8C8C8C", "#F2F2F2"

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
"""Of Okabe and Ito's palette for all kinds of colour vision (https://jfly.uni-koeln.de/color/).
Vermilion is kept for what is infeasible, black for the baseline; yellow is too pale for print."""

MARKERS = ("o", "s", "^", "D", "v", "P", "h")
"""As many as make no common period with the colours: 35 arms until one looks like another."""

LINES = ("-", "--", "-.")
"""Of the best three: told apart where colours are not."""

SETTINGS = {
    "figure.figsize": (WIDTH, 3.6),
    "figure.constrained_layout.use": True,
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.8,
    # The text of an arm or a hyperparameter is a user's; a dollar in it is a dollar.
    "text.parse_math": False,
    # Text stays text: small, searchable and read aloud; wide DejaVu leaves room for other fonts.
    "svg.fonttype": "none",
    "svg.hashsalt": "tuning_playbook",
}


METADATA = {"Date": None, "Creator": "tuning_playbook"}
"""Without the date of the drawing, which would give the same figure other bytes each time."""


@dataclass(frozen=True)
class Look:
    """How an arm is drawn, everywhere the same."""

    color: str
    marker: str


@contextmanager
def look() -> Iterator[None]:
    """Draw in the look of the project, whatever the user's own settings of matplotlib are."""
    with style.context(["default", SETTINGS]):
        yield


def looks(arms: Sequence[str]) -> dict[str, Look]:
    """Give each arm a colour and a marker, by its place among the arms of the study."""
    return {
        arm: Look(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
        for place, arm in enumerate(arms)
    }


def clean(text: str, width: int = 60) -> str:
    """Return a user's text fit for one line of a plot: printable, and elided in its middle.

    Example:
        >>> clean("optimizer=a_very_long_name", 15)
        'optimiz…ng_name'
    """
    printable = "".join(
        " " if unicodedata.category(character)[0] in "CZ" else character for character in text
    )
    line = " ".join(printable.split())
    if line.startswith("_"):
        line = f" {line}"  # matplotlib leaves out of a legend what begins with an underscore
    if len(line) <= width:
        return line
    return f"{line[: width // 2]}…{line[len(line) - (width - 1) // 2 :]}"


def wrapped(text: str, width: int, lines: int = 3) -> str:
    """Return a user's text on a few lines, elided where it is too long for them.

    Example:
        >>> wrapped("depth=2, optimizer=adam", 15).splitlines()
        ['depth=2,', 'optimizer=adam']
    """
    return "\n".join(textwrap.wrap(clean(text, width * lines - lines), width)[:lines])


def legend_below(figure: Figure, axes: Axes) -> None:
    """Put the legend of `axes` under the figure, which grows by it; each label is named once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(reversed(labels), reversed(handles), strict=True))
    names = list(dict.fromkeys(labels))
    if names:
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + LEGEND_LINE * len(names))
        figure.legend([once[name] for name in names], names, loc="outside lower left")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, whole or not at all; the same figure gives the same bytes."""
    with look(), warnings.catch_warnings(), atomic(path) as temporary:
        # The browser has other fonts for the characters that this one lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(temporary, format="svg", metadata=METADATA)
