"""Whether a trial's training was unstable, and since when."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tuning_playbook.procedures.procedure_history import Outcome

SMOOTHED = 5
"""The loss at a window is the median of so many around it: one batch is no instability."""

LOST = 0.5
"""A rise that loses half of what was gained so far is one."""

NOISES = 6.0
"""And no scatter: the medians of hundreds of windows stay within three of its deviations."""

LASTING = 0.1
"""A rise that is over within so much of the run did no lasting harm."""

LEAST = 3
"""Windows that a lasting rise has at least."""

EARLY = 0.1
"""The first part of a run: a warmup takes no more of it."""

LEAST_GAIN = 0.2
"""The share of the reference's gain below which a trial learns little."""

SMALL = 1e-12
"""Of a loss that starts from nothing."""

NORMAL_MEDIAN = 0.6745


@dataclass(frozen=True)
class Rise:
    """A training loss that goes up, not down.

    Attributes:
        step: The last step before it rises.
        lasting: Whether it stays up for a tenth of the run, or to its end.
    """

    step: int
    lasting: bool


def instability(outcome: Outcome) -> Rise | None:
    """Return since when a trial is unstable; None where it is not, or nothing tells.

    It is if it diverged, if its objective collapsed, or if its training loss rises so that half of
    its gain is lost for a tenth of the run. That a trial never got anywhere is no instability by
    itself: a learning rate that is too low does that too.

    Source: playbook, "Identifying unstable workloads": the loss goes up, not down, during periods
    of training.
    """
    found = rise(outcome.steps, outcome.train_losses)
    if outcome.diverged:
        if found is not None:
            return Rise(found.step, lasting=True)
        known = outcome.train_losses
        return Rise(outcome.steps[known.index(min(known))] if known else 0, lasting=True)
    if found and found.lasting:
        return found
    if outcome.collapse_step is not None:
        return Rise(outcome.collapse_step, lasting=True)
    return None


def rise(steps: Sequence[int], losses: Sequence[float]) -> Rise | None:
    """Return the longest rise of a training loss; None where it never goes up by much.

    Args:
        steps: The last step of each window: [window].
        losses: The mean loss of each, as far as it is finite: [window].
    """
    if len(losses) < LEAST:
        return None
    smooth = _medians(losses)
    noise = _noise(losses)
    # The first batch is seen untrained: its own loss is what training starts from.
    start, lowest, place = losses[0], losses[0], 0
    begins, longest, best_begin = -1, 0, 0
    length = 0
    for index, value in enumerate(smooth):
        up = value - lowest > max(LOST * (start - lowest), NOISES * noise)
        if not up:
            length = 0
            if value <= lowest:
                lowest, place = value, index
            continue
        if length == 0:
            begins = place
        length += 1
        if length > longest:
            longest, best_begin = length, begins
    if not longest:
        return None
    to_the_end = length == longest and length >= LEAST
    lasting = to_the_end or longest >= max(LEAST, LASTING * len(losses))
    return Rise(steps[best_begin], lasting)


def is_lost(outcome: Outcome, reference: Outcome | None = None) -> bool:
    """Return whether a trial is unstable, or got nowhere, as one does that blows up at once.

    Args:
        outcome: What came of the trial.
        reference: A stable trial, where there is one: the other learns enough beside it.
    """
    if instability(outcome) or outcome.nowhere:
        return True
    return reference is not None and learns_little(outcome, reference)


def learns_little(outcome: Outcome, reference: Outcome) -> bool:
    """Return whether a training loss falls by less than a fifth of what that of a reference does.

    Both falls are parts of the loss at the start, in as many steps; a trial that ends before the
    first window of the reference does is not compared with it. A dataset says of a trial that
    it got nowhere only where it is no better than an untrained one, and another one is; at a rate
    that is too high training may end just below that.

    Source: playbook, figure 7a: "uncharacteristically high values of the loss" are infeasible.
    """
    if not outcome.train_losses or not reference.train_losses:
        return False
    last = outcome.steps[len(outcome.train_losses) - 1]
    by_then = [
        loss
        for step, loss in zip(reference.steps, reference.train_losses, strict=False)
        if step <= last
    ]
    if not by_then:  # the trial ends within the first window of the reference
        return False
    start = outcome.train_losses[0]
    if outcome.steps[0] == reference.steps[0]:
        # A rate that is far too high raises the loss within the first window; seeds differ a
        # little. The mean over a longer window is that of steps which the other has yet to take.
        start = min(start, by_then[0])
    return _gain(start, outcome.train_losses) < LEAST_GAIN * _gain(by_then[0], by_then)


def _gain(start: float, losses: Sequence[float]) -> float:
    """Return by what part of a start a loss falls, one window not counting."""
    return (start - min(_medians(losses))) / max(abs(start), SMALL)


def is_early(step: int, max_train_steps: int) -> bool:
    """Return whether a step is among the first tenth of a run."""
    return step <= EARLY * max_train_steps


def _medians(values: Sequence[float]) -> list[float]:
    """Return the running median; at the ends of fewer values."""
    half = SMOOTHED // 2
    return [
        statistics.median(values[max(0, index - half) : index + half + 1])
        for index in range(len(values))
    ]


def _noise(values: Sequence[float]) -> float:
    """Return the standard deviation of what successive values scatter by."""
    changes = [abs(later - value) for value, later in itertools.pairwise(values)]
    return statistics.median(changes) / NORMAL_MEDIAN / 2**0.5
