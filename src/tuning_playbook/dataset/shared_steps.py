"""The steps at which imported trials stand in one dataset, and what each has there.

Trials of one study share their coordinates, while other tools evaluate where they like: AlgoPerf
after equal times, so at other steps in every run. So the steps are those of one trial, evenly
spaced where they nearly are, and every trial shows at each of them its nearest measurement.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuning_playbook.study.early_ends import WHOLE_RUN
from tuning_playbook.trials.record import Curves

Steps = NDArray[np.int64]

NEARLY_EVEN = 1.25
"""Measurements are evenly spaced where no gap is more than this many times the median one."""

NEARLY_START = 0.01
"""Of the spacing: a first measurement so early is one of the untrained model."""


def shared_steps(curves: Sequence[Curves]) -> Steps:
    """Return the steps of the trial measured least often of those that trained to the end, [steps].

    So no trial that trained as long shows a measurement twice. Where all of these were measured at
    the same steps, up to where each ended, the longest one's are kept. Where a trial's steps are
    evenly spaced but for a few they are made so, as far apart as its largest gap, because a period,
    and what an untrained model reaches, can be asked for at such steps alone. A trial that lacks a
    measurement has none there.

    Example:
        >>> shared_steps([Curves((1, 2401, 4803, 7206), {}), Curves((1, 2399, 4800, 7201), {})])
        array([   0, 2400, 4800, 7200])
    """
    measured = [tuple(item.steps) for item in curves if len(item.steps)]
    if not measured:
        return np.zeros(1, np.int64)
    last = max(steps[-1] for steps in measured)
    whole = sorted({steps for steps in measured if steps[-1] >= WHOLE_RUN * last})
    if all(steps == max(whole)[: len(steps)] for steps in whole):
        whole = [max(whole)]
    whole.sort(key=len)
    for steps in whole:
        even = _evened(np.array(steps, np.int64))
        if even is not None:
            return even
    return np.array(whole[0], np.int64)


def nearest(curves: Curves, shared: Steps) -> NDArray[np.int64]:
    """Return which measurement of a trial is at each shared step, [steps]; -1 for none.

    None does where the trial had ended: the nearest is as far as the neighbouring shared step.
    """
    if not len(curves.steps):
        return np.full(len(shared), -1)
    own = np.array(curves.steps, np.int64)
    after = np.minimum(np.searchsorted(own, shared), len(own) - 1)
    before = np.maximum(after - 1, 0)
    found = np.where(np.abs(own[before] - shared) <= np.abs(own[after] - shared), before, after)
    gaps = np.diff(shared)
    room = np.append(gaps, gaps[-1:]) if len(gaps) else np.ones(1)
    return np.where(np.abs(own[found] - shared) < room, found, -1)


def _evened(steps: Steps) -> Steps | None:
    """Return evenly spaced steps from the first to the last of some, [steps]; None where uneven."""
    if len(steps) < 3:
        return None
    gaps = np.diff(steps)
    start = 0 if steps[0] <= NEARLY_START * np.median(gaps) else int(steps[0])
    largest = max(int(gaps.max()), int(steps[1]) - start)
    if largest > NEARLY_EVEN * np.median(gaps):
        return None
    span = int(steps[-1]) - start
    slots = round(span / largest)
    return start + span // slots * np.arange(slots + 1, dtype=np.int64)
