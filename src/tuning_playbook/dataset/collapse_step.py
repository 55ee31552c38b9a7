"""Whether a trial was good and suddenly was not, for the rest of training."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tuning_playbook.dataset.curve_noise import Floats
from tuning_playbook.dataset.evaluation_noise import evaluation_noise, gain_from_the_start

Kind = Literal["jump", "slow rise"]

LEAST_AFTER = 2
"""One bad evaluation at the end may be a spike."""

MOST_LAST = 10
"""Of a long curve the end is no longer part."""

GOOD = 3
"""The level before the collapse is the median of this many of the best evaluations before it."""

LEAST_NOISES = 4.5
"""Of evaluations that only scatter, hardly ever are the last two so far from the best three."""

LEAST_BEFORE = 12
"""With fewer evaluations before the collapse their scatter is not to be told."""

LEAST_JUMP = 0.1
"""A jump that loses a smaller share of the gain is no collapse."""

LEAST_RISE = 0.5
"""A slow rise must lose more than a jump: half of the gain is more than overfitting usually costs.
"""

AT_ONCE = 2
"""A jump takes at most this many evaluations."""


@dataclass(frozen=True)
class Collapse:
    """A change for the worse from which a trial did not come back.

    Attributes:
        place: Of the first evaluation from which on all are worse than halfway to the end's level.
        kind: Whether it came within two evaluations, or slowly.
        before: The level that the trial had reached, smaller being better.
        after: The level that it ended at.
    """

    place: int
    kind: Kind
    before: float
    after: float


def find_collapse(curve: Floats, train: Floats | None = None) -> Collapse | None:
    """Return the collapse of one trial, or None.

    The trial ends at the median of its last tenth, two to ten evaluations. The collapse is at the
    first evaluation from which on every one is worse than halfway between its best level and that
    end. It has to lose 4.5 times what the evaluations scatter by, and a share of what was gained
    from the first evaluation to the best (`gain_from_the_start`): a tenth in a jump, half in a slow
    rise. Where the metric on the training data does not worsen with it, the trial overfits and does
    not collapse. A slow rise without that metric is no collapse either: nothing tells it from
    overfitting. Nor is what lasts no longer than a time as bad from which the trial came back: a
    learning rate that restarts may end in the middle of its cycle.

    Args:
        curve: The objective's metric, smaller being better, NaN where it was not measured:
            [evaluation].
        train: The same metric on the training data, likewise; None, or all NaN, where it is
            not known.
    """
    known = np.flatnonzero(np.isfinite(curve))
    values = curve[known]
    if len(values) < LEAST_AFTER + 2:
        return None
    best = int(np.argmin(values))
    last = min(MOST_LAST, max(LEAST_AFTER, round(len(values) / 10)))
    end = float(np.median(values[-last:]))
    halfway = (values[best] + end) / 2
    bad_to_the_end = np.minimum.accumulate(values[::-1])[::-1] > halfway
    place = int(np.argmax(bad_to_the_end))
    if not bad_to_the_end[place] or not best < place <= len(values) - LEAST_AFTER:
        return None
    bad = values[int(np.argmin(values > halfway)) : place] > halfway
    if _longest_run(bad) >= len(values) - place:
        return None
    before = float(np.median(np.sort(values[:place])[: min(GOOD, (place + 1) // 2)]))
    lost, gained = end - before, gain_from_the_start(values)
    noise = evaluation_noise(values)
    if place >= LEAST_BEFORE:
        # What has broken down scatters more than what is good.
        noise = min(noise, evaluation_noise(values[:place]))
    if lost < LEAST_NOISES * noise:
        return None
    kind: Kind = "jump" if _rises_at_once(values, place, before, end) else "slow rise"
    least = LEAST_JUMP if kind == "jump" else LEAST_RISE
    on_train = None if train is None else _worsens(train[known], place)
    if lost < least * gained or on_train is False or (on_train is None and kind == "slow rise"):
        return None
    return Collapse(int(known[place]), kind, before, end)


def _longest_run(bad: NDArray[np.bool_]) -> int:
    """Return how many evaluations in a row are bad at most: [evaluation]."""
    good = np.flatnonzero(np.concatenate([[True], ~bad, [True]]))
    return int(np.diff(good).max()) - 1


def _rises_at_once(values: Floats, place: int, before: float, end: float) -> bool:
    """Tell whether the middle half of the rise takes at most two evaluations."""
    low, high = before + (end - before) / 4, end - (end - before) / 4
    still_good = np.flatnonzero(values[:place] <= low)
    bad = place + np.flatnonzero(values[place:] >= high)
    return bool(len(still_good) and len(bad) and bad[0] - still_good[-1] <= AT_ONCE)


def _worsens(train: Floats, place: int) -> bool | None:
    """Tell whether the training metric is worse after a collapse; None where that is not known."""
    before, after = (part[np.isfinite(part)] for part in (train[:place], train[place:]))
    if not len(before) or not len(after):
        return None
    best = float(np.median(np.sort(before)[:GOOD]))
    everything = np.concatenate([before, after])
    least = max(LEAST_JUMP * gain_from_the_start(everything), 3 * evaluation_noise(everything))
    return bool(np.median(after) - best >= least)


@dataclass(frozen=True)
class Recovery:
    """A trial's loss of what it had gained that it made good again.

    Attributes:
        place: Of the first evaluation of the excursion.
        evaluations: How many it lasted.
        before: The level before it, smaller being better.
        worst: The worst evaluation.
    """

    place: int
    evaluations: int
    before: float
    worst: float


LEAST_EXCURSION = 0.25
"""Share of the gain so far that an excursion must lose."""

LEAST_NOISES_ONCE = 6.0
"""That it must lose; a single evaluation is more often far off than two are."""


def find_recoveries(curve: Floats) -> tuple[Recovery, ...]:
    """Return the excursions from which one trial came back.

    An excursion begins where an evaluation is worse than the median of the three before it by a
    quarter of the gain so far and by six times the scatter, and it ends where half of that is made
    good. Early evaluations, before half of the whole gain is made, are not judged.

    Args:
        curve: The objective's metric, smaller being better, NaN where it was not measured:
            [evaluation].
    """
    known = np.flatnonzero(np.isfinite(curve))
    values = curve[known]
    if len(values) < LEAST_AFTER + 2:
        return ()
    noise, gained = evaluation_noise(values), values[0] - np.minimum.accumulate(values)
    before = np.median(sliding_window_view(values, GOOD), axis=1)[:-1]
    lost, so_far = values[GOOD:] - before, gained[GOOD - 1 : -1]
    least = np.maximum(LEAST_EXCURSION * so_far, LEAST_NOISES_ONCE * noise)
    judged = so_far >= gained[-1] / 2
    found, free = [], 0
    for place in np.flatnonzero(judged & (lost >= least) & (lost > 0)):
        if place < free:  # it belongs to the excursion before
            continue
        begin, level = int(place) + GOOD, float(before[place])
        back = np.flatnonzero(values[begin:] <= level + lost[place] / 2)
        if not len(back):
            break
        excursion = values[begin : begin + back[0]]
        found.append(Recovery(int(known[begin]), len(excursion), level, float(excursion.max())))
        free = int(place) + int(back[0]) + GOOD
    return tuple(found)
