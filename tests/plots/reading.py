"""A figure as a reader sees it: which of its texts lie over each other, or beyond its edge."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg

TOUCH = 0.5
"""Pixels that two texts may share."""


def texts(figure):
    """Every text that is drawn: tick labels outside the limits of their axis are not."""
    found = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        found += [axes.title, axes._left_title, axes._right_title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            found += [axis.label]
            found += [
                tick.label1
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
                if low - slack <= tick.get_loc() <= high + slack
            ]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def overlaps(figure):
    """The texts that lie over another one, or reach beyond the edge of the picture."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    found = [
        (text, "the edge")
        for text, box in boxes
        if box.x0 < -TOUCH or box.y0 < -TOUCH or box.x1 > width + TOUCH or box.y1 > height + TOUCH
    ]
    return found + [
        (one, other)
        for (one, first), (other, second) in combinations(boxes, 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > TOUCH
        and min(first.y1, second.y1) - max(first.y0, second.y0) > TOUCH
    ]
