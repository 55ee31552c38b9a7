"""An argument of a function over a search space, as columns of numbers."""

from dataclasses import dataclass

import numpy as np

from tuning_playbook.analysis.ranking import Floats

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
"""A quadrature over [0, 1], exact for the widths that the kernel may have."""


@dataclass(frozen=True)
class Axis:
    """One argument of the function, as columns of numbers.

    Attributes:
        columns: Its values: [trial, column].
        nodes: Where the function is averaged over it: [node, column].
        weights: Of the nodes: [node].
    """

    columns: Floats
    nodes: Floats
    weights: Floats


def range_axis(positions: Floats) -> Axis:
    """Return an ordered argument, whose values lie in [0, 1]: [trial]."""
    return Axis(positions[:, None], NODES[:, None], WEIGHTS)


def choice_axis(chosen: Floats) -> Axis:
    """Return an argument without an order, which has a column of zeros and ones for each value.

    Args:
        chosen: Which of the values each trial has: [trial, value].
    """
    count = chosen.shape[1]
    return Axis(chosen, np.eye(count), np.full(count, 1 / count))
