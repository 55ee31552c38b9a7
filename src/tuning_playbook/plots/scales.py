"""Axes whose scale suits their values, with ticks as plain numbers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, MaxNLocator

from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.plots.style import text_width

SPAN = 30.0
"""Values whose largest is this many times their smallest crowd at the bottom of a linear axis,
which is where the good ones are."""

FEW_DECADES = 2.0
"""Below this many factors of ten a logarithmic axis needs ticks between the powers of ten."""

MARGIN = 0.07
"""Room beyond the outermost values, as a part of the axis."""

AXIS = 3.8
"""Inches that a range has at least on the horizontal axis of a plot of the usual width."""

MOST_TICKS = 6
"""Intervals of a linear axis, at most."""

MOST_DIGITS = 17
"""This many digits tell any two numbers of double precision apart."""


def scale_objective(axes: Axes, values: Floats, *, below: float = 0.0, above: float = 0.0) -> None:
    """Scale the vertical axis to `values`: linear, or logarithmic where they span decades.

    Args:
        axes: Of the plot.
        values: All that is to be seen; what is not finite is left out.
        below: Part of the axis to keep free under the values, for another kind of mark.
        above: The same over the values.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        axes.set_ylim(0.0, 1.0)
        axes.set_yticks([])
        return
    low, high = float(values.min()), float(values.max())
    positive = values[values > 0]
    least = float(positive.min()) if len(positive) else 0.0
    logarithmic = low >= 0 and 0 < least <= high / SPAN
    if logarithmic and low > 0:
        axes.set_yscale("log")
    elif logarithmic:
        axes.set_yscale("symlog", linthresh=least, linscale=0.5)
    scale = axes.yaxis.get_transform()
    first, last = (float(value) for value in scale.transform(np.array([low, high])))
    if last - first <= 1e-12 * max(abs(first), abs(last)):
        room = abs(first) / 10 or 1.0
        first, last = first - room, last + room
    room = (last - first) / (1 - below - above - 2 * MARGIN)
    bounds = first - MARGIN * room, last + MARGIN * room
    limits = bounds[0] - below * room, bounds[1] + above * room
    inverse = scale.inverted()
    axes.set_ylim(*(float(value) for value in inverse.transform(np.array(limits))))
    from_, to = (float(value) for value in inverse.transform(np.array(bounds)))
    if logarithmic:
        ticks = log_ticks(least, high)
        if low == 0:  # below the least value the axis is short, and has room for zero alone
            ticks = [0.0, *(tick for tick in ticks if tick >= least)]
    else:
        ticks = linear_ticks(from_, to)
    plain_ticks(axes.yaxis, [tick for tick in ticks if from_ <= tick <= to])


def linear_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Return round numbers on a linear axis from `low` to `high`, with at most `most` intervals."""
    ticks = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    nothing = 1e-9 * (high - low)  # what is left of zero when steps add up to it
    return [0.0 if abs(tick) < nothing else float(tick) for tick in ticks if low <= tick <= high]


def log_ticks(low: float, high: float) -> list[float]:
    """Return the ticks of a logarithmic axis that shows values from `low` to `high`."""
    few = np.log10(high / low) < FEW_DECADES
    locator = LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=7)
    return [float(tick) for tick in locator.tick_values(low, high)]


def range_ticks(low: float, high: float, *, log: bool) -> list[float]:
    """Return ticks from `low` to `high` of a horizontal axis whose labels fit side by side."""
    if log:
        ticks = [tick for tick in log_ticks(low, high) if low / 1.01 <= tick <= high * 1.01]
        places = AXIS * np.log(ticks) / np.log(high / low)
        if len(ticks) > 1 and side_by_side(places, tick_labels(ticks)):
            return ticks
    for most in range(MOST_TICKS, 1, -1):
        ticks = linear_ticks(low, high, most)
        shown = np.array(ticks)
        places = AXIS * (np.log(shown) / np.log(high / low) if log else shown / (high - low))
        if side_by_side(places, tick_labels(ticks)):
            return ticks
    return ticks[:1]


def side_by_side(places: Floats, labels: Sequence[str]) -> bool:
    """Whether labels keep apart from each other.

    Args:
        places: The middle of each, in inches, in any order.
        labels: What is written there.
    """
    order = np.argsort(places)
    widths = np.array([text_width(labels[place]) for place in order])
    apart = np.diff(np.asarray(places)[order])
    return bool(((widths[1:] + widths[:-1]) / 2 + text_width("  ") <= apart).all())


def plain_ticks(axis: Axis, ticks: Sequence[float]) -> None:
    """Put ticks on an axis, written as plain numbers and not as powers of ten."""
    axis.set_ticks(ticks, tick_labels(ticks))
    axis.set_ticks([], minor=True)


def tick_labels(values: Sequence[float], digits: int = 6) -> list[str]:
    """Write numbers side by side: with more digits than usual where different ones look alike.

    Example:
        >>> tick_labels([0.02, 0.5]), tick_labels([1000.0000001, 1000.0000002])
        (['0.02', '0.5'], ['1000.0000001', '1000.0000002'])
    """
    different = len(set(values))
    while True:
        labels = [tick_label(value, digits) for value in values]
        if len(set(labels)) == different or digits >= MOST_DIGITS:
            return labels
        digits += 1


def tick_label(value: float, digits: int = 6) -> str:
    """Write the number at a tick: the shorter way where it is small or large.

    Example:
        >>> tick_label(0.02), tick_label(1e-4), tick_label(1e6), tick_label(123456)
        ('0.02', '1e-4', '1e6', '123456')
    """
    fixed = f"{value:.{digits}g}"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return fixed
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    short = f"{mantissa}e{int(exponent)}"
    return fixed if "e" not in fixed and abs(value) >= 1 and len(fixed) < len(short) else short
