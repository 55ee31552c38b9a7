"""Whether the effect of one scientific hyperparameter depends on another one, by the reruns."""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tuning_playbook.analysis.arm_comparison import SIGNIFICANCE, Reruns
from tuning_playbook.analysis.simultaneous import (
    Contrast,
    contrasts,
)
from tuning_playbook.declarations import Value

Rest = tuple[tuple[str, Value], ...]
"""An arm's values of the other hyperparameters, by name."""


@dataclass(frozen=True)
class Interaction:
    """Whether the effect of one scientific hyperparameter depends on another one.

    Attributes:
        hyperparameters: Their names.
        verdict: `interact`, `no interaction shown` or `cannot tell`.
        difference: The clearest difference between the differences, in the objective's unit: by how
            much more the first of `values` gains over the second with the first of `beside` than
            with its second; None where it is not known.
        low: Lower end of its interval, which holds for all of them together.
        high: Upper end.
        p: Of there being no interaction of the two.
        values: Two values of the first hyperparameter.
        beside: Two values of the second.
        why_not: Why it is not known; empty where it can.
    """

    hyperparameters: tuple[str, str]
    verdict: Literal["interact", "no interaction shown", "cannot tell"]
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    values: tuple[Value, ...] = ()
    beside: tuple[Value, ...] = ()
    why_not: str = ""


def interaction(one: str, other: str, reruns: Reruns) -> Interaction | None:
    """Tell whether two hyperparameters interact; None where no two values of both are crossed."""
    # Of each cell the arms by their values of all other hyperparameters.
    cells: dict[tuple[Value, Value], dict[Rest, int]] = {}
    for place, setting in enumerate(reruns.settings):
        if one in setting and other in setting:
            rest = tuple((n, v) for n, v in sorted(setting.items()) if n not in (one, other))
            cells.setdefault((setting[one], setting[other]), {})[rest] = place
    values = [list(dict.fromkeys(cell[at] for cell in cells)) for at in (0, 1)]
    squares: list[tuple[tuple[Value, ...], tuple[Value, ...], list[Rest]]] = []
    two_of_each = [list(itertools.combinations(found, 2)) for found in values]
    mine: tuple[Value, ...]
    theirs: tuple[Value, ...]
    for mine, theirs in itertools.product(*two_of_each):
        found = [cells.get((a, b), {}) for a, b in itertools.product(mine, theirs)]
        shared = [rest for rest in found[0] if all(rest in arms for arms in found)]
        if shared:
            squares.append((mine, theirs, shared))
    if not squares:
        return None
    if reruns.samples is None:
        why_not = "too few arms have reruns enough"
        if reruns.values is not None:
            why_not = "reruns that are compared by ranks have no means to subtract"
        return Interaction((one, other), "cannot tell", why_not=why_not)
    rows = np.zeros((len(squares), len(reruns.arms)))
    for row, (mine, theirs, shared) in zip(rows, squares, strict=True):
        for (a, b), sign in zip(itertools.product(mine, theirs), (1, -1, -1, 1), strict=True):
            row[[cells[a, b][rest] for rest in shared]] += sign / len(shared)
    measured = contrasts(reruns.samples, rows)
    place = min(range(len(measured)), key=lambda at: (measured[at].p, -abs(measured[at].estimate)))
    clearest, (mine, theirs, _) = measured[place], squares[place]
    if clearest.estimate < 0:
        clearest = Contrast(-clearest.estimate, -clearest.high, -clearest.low, clearest.p)
        mine = mine[::-1]
    return Interaction(
        (one, other),
        "interact" if clearest.p <= SIGNIFICANCE else "no interaction shown",
        clearest.estimate,
        clearest.low,
        clearest.high,
        clearest.p,
        mine,
        theirs,
    )
