"""Whether a trial's training was unstable, and from which step on."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tuning_playbook.procedures.procedure_history import Outcome

SMOOTHED = 5
"""Windows whose median is the loss at their middle: one bad batch is no instability."""

LOST = 0.5
"""Least part of the gain so far that a rise loses."""

NOISES = 6.0
"""Least size of a rise, in standard deviations of the noise; medians of hundreds of windows stay
within three."""

LASTING = 0.1
"""Part of the run that a rise must last to do lasting harm."""

LEAST = 3
"""Fewest windows of a lasting rise."""

EARLY = 0.1
"""The first part of a run, the longest that a warmup may take."""

LEAST_GAIN = 0.2
"""The share of the reference's gain below which a trial learns little."""

SMALL = 1e-12
"""Smallest loss at the start, to avoid a division by zero."""

NORMAL_MEDIAN = 0.6745


@dataclass(frozen=True)
class Rise:
    """A rise of the training loss.

    Attributes:
        step: The last step before it rises.
        lasting: Whether it stays up for a tenth of the run, or to its end.
    """

    step: int
    lasting: bool


def instability(outcome: Outcome) -> Rise | None:
    """Return the rise from which on a trial is unstable; None where it is stable or not known.

    It is unstable if it diverged, if its objective collapsed, or if its training loss rises so that
    half of its gain is lost for a tenth of the run. Learning nothing is not instability by itself:
    it also happens at a learning rate that is too low.

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
    """Return the longest rise of a training loss; None where it never rises much.

    Args:
        steps: The last step of each window: [window].
        losses: The mean loss of each, up to the first that is not finite: [window].
    """
    if len(losses) < LEAST:
        return None
    smooth = _medians(losses)
    noise = _noise(losses)
    # The first batch meets an untrained model, so its loss is where training starts.
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
    """Return whether a trial is unstable, or learnt nothing, as one that blows up at once.

    Args:
        outcome: The result of the trial.
        reference: A stable trial, if there is one: the other must learn enough beside it.
    """
    if instability(outcome) or outcome.nowhere:
        return True
    return reference is not None and learns_little(outcome, reference)


def learns_little(outcome: Outcome, reference: Outcome) -> bool:
    """Return whether a training loss falls by less than a fifth of the reference's fall.

    Both falls are parts of the loss at the start, in as many steps; a trial that ends before the
    first window of the reference does is not compared with it. A dataset marks a trial as one that
    learnt nothing only if it is no better than an untrained one, and another trial is; at a rate
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
    """Return by what part of the start a loss falls, not counting one window."""
    return (start - min(_medians(losses))) / max(abs(start), SMALL)


def is_early(step: int, max_train_steps: int) -> bool:
    """Return whether a step is in the first tenth of a run."""
    return step <= EARLY * max_train_steps


def _medians(values: Sequence[float]) -> list[float]:
    """Return the running median, over fewer values at the ends."""
    half = SMOOTHED // 2
    return [
        statistics.median(values[max(0, index - half) : index + half + 1])
        for index in range(len(values))
    ]


def _noise(values: Sequence[float]) -> float:
    """Return the standard deviation of the scatter of successive values."""
    changes = [abs(later - value) for value, later in itertools.pairwise(values)]
    return statistics.median(changes) / NORMAL_MEDIAN / 2**0.5
