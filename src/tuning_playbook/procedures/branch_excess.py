"""The local critical batch size: the largest whose branch loses no more than is tolerated.

Branches of one run go on at multiples of its batch size B, and are compared with it after as many
examples, by their smoothed training loss. The tolerance is what the run itself gains over the
second half of these examples: the branch at the critical batch size gets as far as the run does
with half of them. That agrees with the law of the full sweep, where the critical batch size needs
twice the least examples.

Source: Merrill et al., "Critical Batch Size Revisited: A Simple Empirical Approach to Large-Batch
Language Model Training", 2025, whose tolerance is a constant; McCandlish et al., "An Empirical
Model of Large-Batch Training", 2018, for the factor of two.

Plain Python, as in all code that plans a round.
"""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.procedures.procedure_history import Outcome

SMOOTHED = 0.25
"""The losses of this last part of a branch are averaged for the comparison."""

HALF = 0.5
"""A branch must get with all examples as far as the run gets with this part of them."""

TOLERATED = 1.0
"""The tolerated excess, in units of what the run gains over the second half."""


@dataclass(frozen=True)
class BranchLosses:
    """The smoothed training losses of a configuration after the branch, on several seeds.

    Attributes:
        half: The loss on each seed after half of the examples.
        end: The loss on each seed after all of them; infinite where it diverged.
    """

    half: tuple[float, ...]
    end: tuple[float, ...]


def losses_of(runs: Sequence[Outcome], begin: int, last: int) -> BranchLosses:
    """Return the smoothed losses of some runs.

    Args:
        runs: The runs of one configuration.
        begin: The step of the branch.
        last: The step at which branches are compared.
    """
    length = last - begin
    middle = begin + HALF * length
    return BranchLosses(
        tuple(_mean(run, middle - HALF * SMOOTHED * length, middle) for run in runs),
        tuple(_mean(run, last - SMOOTHED * length, last) for run in runs),
    )


def _mean(run: Outcome, after: float, last: float) -> float:
    """Return the mean loss of the windows that end after step `after`, up to step `last`.

    Infinite where the run ended before.
    """
    if len(run.train_losses) < sum(step <= last for step in run.steps):
        return math.inf
    pairs = zip(run.steps, run.train_losses, strict=False)
    found = [loss for step, loss in pairs if after < step <= last]
    return statistics.fmean(found) if found else math.inf


def excess(run: BranchLosses, branch: BranchLosses) -> float:
    """Return what a branch loses to its run, in units of what is tolerated.

    Args:
        run: The run that it branches from.
        branch: The branch, on the same seeds.

    Returns:
        Infinite where more than half of the branch's seeds diverged; NaN where the run gains
        nothing over the second half.

    Example:
        >>> run = BranchLosses(half=(2.0,), end=(1.5,))
        >>> excess(run, BranchLosses(half=(2.5,), end=(1.75,)))
        0.5
    """
    gained = statistics.fmean(run.half) - statistics.fmean(run.end)
    if not (math.isfinite(gained) and gained > 0):
        return math.nan
    pairs = zip(branch.end, run.end, strict=False)
    lost = [end - base for end, base in pairs if math.isfinite(end)]
    if 2 * len(lost) < len(branch.end):
        return math.inf
    return statistics.fmean(lost) / gained


def critical_size(excesses: Mapping[int, float]) -> float | None:
    """Return the batch size at which the excess becomes more than is tolerated.

    Between two batch sizes it is interpolated, in the logarithm of the batch size.

    Args:
        excesses: The excess by batch size, the smallest first; that of the run itself is 0.

    Returns:
        None where all are tolerated.

    Example:
        >>> critical_size({8: 0.0, 16: 0.2, 32: 0.6, 64: 1.4})
        45.25...
    """
    pairs = list(excesses.items())
    for (size, low), (larger, high) in itertools.pairwise(pairs):
        if high > TOLERATED:
            part = 0.0 if math.isinf(high) else (TOLERATED - low) / (high - low)
            return float(size * (larger / size) ** part)
    return None
