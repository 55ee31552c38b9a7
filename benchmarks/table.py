"""The figures, and their table: each ratio with the bar that it is held to."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HEADER = ("measured", "figure", "bar", "met", "over repetitions", "seen in passing")
WIDTHS = (50, 8, 8, 4, 24, 0)


@dataclass(frozen=True)
class Bar:
    """What a figure is held to: a limit, and the side of it that is good."""

    limit: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Return whether a figure is on the good side."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was measured.
        values: Of every repetition; the median is the figure.
        bar: What it is held to; None for what is told for information.
        note: Absolute numbers, which mean something on one machine only.
    """

    name: str
    values: tuple[float, ...]
    bar: Bar | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Return the figure."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Return whether the bar is met; None where there is none."""
        return self.bar.met_by(self.median) if self.bar else None


def ratios(pairs: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return the ratio of each pair, whose two were measured one right after the other."""
    return tuple(first / second for first, second in pairs)


def medians(pairs: Sequence[tuple[float, float]], unit: str) -> str:
    """Return the medians of both sides of some pairs, for a note."""
    first, second = (statistics.median(side) for side in zip(*pairs, strict=True))
    return f"{first:.3g} to {second:.3g} {unit}"


def header() -> Iterator[str]:
    """Yield the lines that stand above the figures."""
    yield _line(HEADER)
    yield _line(["-" * max(width, 15) for width in WIDTHS])


def line(figure: Figure) -> str:
    """Return a figure as a line of the table."""
    bar = figure.bar
    limit = f"{'>=' if bar.at_least else '<='} {bar.limit:g}" if bar else ""
    met = "" if bar is None else "yes" if figure.met else "NO"
    count = len(figure.values)
    spread = f"{min(figure.values):.3g} .. {max(figure.values):.3g} ({count})" if count > 1 else ""
    return _line([figure.name, f"{figure.median:.3g}", limit, met, spread, figure.note])


def _line(cells: Sequence[str]) -> str:
    columns = zip(cells, WIDTHS, strict=True)
    return "  ".join(
        f"{cell[:width] if width else cell:{width}}" for cell, width in columns
    ).rstrip()
