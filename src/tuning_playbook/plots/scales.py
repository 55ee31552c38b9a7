"""Axes whose scale suits their values, with ticks as plain numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, MaxNLocator

from tuning_playbook.analysis.ranking import Floats

SPAN = 30.0
"""Values whose largest is this many times their smallest crowd at the bottom of a linear axis,
which is where the good ones are."""

FEW_DECADES = 2.0
"""Below so many factors of ten a logarithmic axis needs ticks between the powers of ten."""

MARGIN = 0.07
"""Room beyond the outermost values, as a part of the axis."""


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
    least = float(positive.min()) if len(positive) else high
    if low >= 0 and high >= SPAN * least:
        if low > 0:
            axes.set_yscale("log")
        else:
            axes.set_yscale("symlog", linthresh=least, linscale=0.5)
        ticks = log_ticks(least, high)
        if low == 0:  # below the least value the axis is short, and has room for zero alone
            ticks = [0.0, *(tick for tick in ticks if tick >= least)]
    else:
        ticks = [
            float(tick)
            for tick in MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        ]
    scale = axes.yaxis.get_transform()
    first, last = (float(value) for value in scale.transform(np.array([low, high])))
    if first == last:
        room = abs(first) / 10 or 1.0
        first, last = first - room, last + room
    room = (last - first) / (1 - below - above - 2 * MARGIN)
    bounds = first - MARGIN * room, last + MARGIN * room
    limits = bounds[0] - below * room, bounds[1] + above * room
    inverse = scale.inverted()
    axes.set_ylim(*(float(value) for value in inverse.transform(np.array(limits))))
    from_, to = (float(value) for value in inverse.transform(np.array(bounds)))
    plain_ticks(axes.yaxis, [tick for tick in ticks if from_ <= tick <= to])


def log_ticks(low: float, high: float) -> list[float]:
    """Return the ticks of a logarithmic axis that shows values from `low` to `high`."""
    few = np.log10(high / low) < FEW_DECADES
    locator = LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=7)
    return [float(tick) for tick in locator.tick_values(low, high)]


def plain_ticks(axis: Axis, ticks: list[float]) -> None:
    """Put ticks on an axis, written as plain numbers and not as powers of ten."""
    axis.set_ticks(ticks, [tick_label(tick) for tick in ticks])
    axis.set_ticks([], minor=True)


def tick_label(value: float) -> str:
    """Write the number at a tick.

    Example:
        >>> tick_label(0.02), tick_label(1e-4), tick_label(1e6)
        ('0.02', '1e-4', '1e6')
    """
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.6g}"
    mantissa, exponent = f"{value:.5e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
