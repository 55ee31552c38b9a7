"""One look for all plots: readable in print, in grey, by the colour-blind and on a phone."""

import re
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
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from tuning_playbook.files import atomic

WIDTH = 6.0
"""Inches. Shown 400 pixels wide, its 11-point text is 10 pixels high and can still be read."""

LEGEND_LINE = 0.215
"""Inches that a line of a legend takes."""

BESIDE_LEGEND = 0.7
"""Inches of the width that the marks of a legend and the edges take."""

NARROW = 0.45
"""Of a letter's height, the width of a narrow one."""

NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
WORD = re.compile(r"\s*\S+\s?")
PIECE = re.compile(rf"{NUMBER.pattern}[,;:/=_]*|[^\d,;:/=_+-]+[,;:/=_]*|[,;:/=_+-]")
"""A number, or letters up to where a long name may be broken, with the mark there."""

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"
VERMILION, BLACK, GREY, PALE = "#D55E00", "#000000", "#8C8C8C", "#F2F2F2"

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
"""Of Okabe and Ito's palette for all kinds of colour vision (https://jfly.uni-koeln.de/color/).
Vermilion is kept for what is infeasible, black for the baseline; yellow is too pale for print."""

MARKERS = ("o", "s", "^", "D", "v", "P", "h")
"""As many as make no common period with the colours: 35 arms until one looks like another."""

LINES = ("-", "--", "-.")
"""Of the best three: distinguished where colours are not."""

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

    A number is left out whole or not at all: a part of it would be another number.

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
    start, end = width // 2, len(line) - (width - 1) // 2
    for number in NUMBER.finditer(line):
        if number.start() < start < number.end():
            start = number.start()
        if number.start() < end < number.end():
            end = number.end()
    return f"{line[:start]}…{line[end:]}"


def wrapped(text: str, width: int, lines: int = 3) -> str:
    """Return a user's text on a few lines, elided where it is too long for them.

    It is broken at spaces, then within names after `=`, `_` and the like, never within a number: a
    number longer than `width` sticks out.

    Example:
        >>> wrapped("depth=2, optimizer=adam", 15).splitlines()
        ['depth=2,', 'optimizer=adam']
        >>> wrapped("learning_rate=0.00030000000001", 16).splitlines()
        ['learning_rate=', '0.00030000000001']
    """
    for kept in range(len(clean(text, width * lines)), 0, -1):
        found = _lines(clean(text, kept), width)
        if len(found) <= lines:
            return "\n".join(found)
    return ""


def _lines(text: str, width: int) -> list[str]:
    """Return the pieces of a text in lines of at most `width` letters, where it may be broken."""
    found = [""]
    for word in WORD.findall(text):
        for piece in [word] if len(word.rstrip()) <= width else _pieces(word, width):
            if found[-1] and len(found[-1]) + len(piece.rstrip()) > width:
                found.append("")
            found[-1] += piece
    return [line.rstrip() for line in found if line.strip()]


def _pieces(word: str, width: int) -> list[str]:
    """Return the parts that a long word may be broken into."""
    found: list[str] = []
    for piece in PIECE.findall(word):
        whole = NUMBER.search(piece) or len(piece) <= width
        found += [piece] if whole else textwrap.wrap(piece, width)
    return found


def text_width(text: str, size: float = 11.0) -> float:
    """Return how many inches the longest line of a text takes, in letters of `size` points."""
    font = FontProperties(family="DejaVu Sans", size=size)
    with _missing_glyphs_allowed():
        widths = [
            text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
            for line in text.splitlines()
        ]
    return float(max(widths, default=0.0)) / 72


def legend_below(figure: Figure, *panels: Axes) -> None:
    """Put the legend of some panels under the figure, which grows by it.

    Each label is named once, with the mark of the first that bears it; one too long for a line has
    several.
    """
    named = [
        (label, handle)
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    ]
    found = dict(reversed(named))
    found = {label: found[label] for label, _ in named}
    if found:
        width, height = figure.get_size_inches()
        names = [fitted(label, width - BESIDE_LEGEND, 10) for label in found]
        lines = sum(name.count("\n") + 1 for name in names)
        figure.set_size_inches(width, height + LEGEND_LINE * lines)
        figure.legend(list(found.values()), names, loc="outside lower left")


def fitted(text: str, room: float, size: float = 11.0) -> str:
    """Return a text on few lines of at most `room` inches, in letters of `size` points."""
    letters = int(room * 72 / size / NARROW)
    while text_width(found := wrapped(text, letters), size) > room and letters > 1:
        letters -= 1
    return found


def lay_out(figure: Figure) -> None:
    """Give everything its place in a figure, as it will have when the figure is written."""
    with _missing_glyphs_allowed():
        figure.draw_without_rendering()


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, whole or not at all; the same figure gives the same bytes."""
    with look(), _missing_glyphs_allowed(), atomic(path) as temporary:
        figure.savefig(temporary, format="svg", metadata=METADATA)


@contextmanager
def _missing_glyphs_allowed() -> Iterator[None]:
    """Let pass characters that this font lacks: the browser has other fonts for them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield
