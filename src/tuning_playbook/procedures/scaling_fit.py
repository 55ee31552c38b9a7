"""How the steps to a target fall with the batch size: steps = least steps x (1 + critical / batch).

Far below the critical batch size a doubling halves the steps (perfect scaling); far above it the
steps stay at their least. At the critical batch size they are twice the least.

Source: McCandlish et al., "An Empirical Model of Large-Batch Training", 2018, equation 2.11;
Shallue et al., "Measuring the Effects of Data Parallelism on Neural Network Training", 2019, whose
perfect scaling is its left end.

Plain Python, as in all code that plans a round.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

BEYOND = 6.0
"""Octaves beyond the batch sizes tried, to either side, in which the critical one is sought."""

SECTIONS = 18
"""Golden sections of two octaves; they determine the octave to a thousandth."""

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0

DRAWS = 300
"""Bootstrap samples."""

INTERVAL = 0.95


@dataclass(frozen=True)
class SizeRuns:
    """The results of one configuration, on several seeds, at a batch size.

    Attributes:
        size: The batch size.
        reached: The steps to the target of each run that reached it.
        missed: The steps of each run that did not: it needed more.
        searched: The steps to the target of each trial that reached it, in the search that found
            the configuration, the fewest first. Empty where nothing was searched.
    """

    size: int
    reached: tuple[float, ...]
    missed: tuple[float, ...] = ()
    searched: tuple[float, ...] = ()


@dataclass(frozen=True)
class ScalingFit:
    """The steps to a target against the batch size.

    Attributes:
        least_steps: The steps that no batch size gets below.
        critical: The critical batch size, at which twice the least steps are needed.
    """

    least_steps: float
    critical: float

    def steps(self, size: float) -> float:
        """Return the steps to the target at a batch size."""
        return self.least_steps * (1.0 + self.critical / size)


@dataclass(frozen=True)
class _Size:
    """A batch size in the fit: the logarithms of its steps, with equal weight for each run.

    Attributes:
        size: The batch size.
        mean: The mean over the runs that reached the target.
        squares: The mean of their squares.
        part: The part of all runs that they are.
        missed: The steps of the runs that missed the target, the most first.
        each: The part of all runs that each of these is.
    """

    size: int
    mean: float
    squares: float
    part: float
    missed: tuple[float, ...]
    each: float


def fit_scaling(runs: Sequence[SizeRuns]) -> ScalingFit:
    """Return the least-squares fit of the logarithms of the steps.

    Each batch size has the same weight. A run that missed the target counts only where the fit says
    that it should have reached it.

    Args:
        runs: The runs of several batch sizes; at one of them at least a run reached the target.

    Example:
        >>> exact = [SizeRuns(size, (50 * (1 + 64 / size),)) for size in (16, 64, 256)]
        >>> fit = fit_scaling(exact)
        >>> round(fit.least_steps, 1), round(fit.critical, 1)
        (50.0, 64.0)
    """
    sizes = [_of_runs(item) for item in runs]
    low = math.log2(min(item.size for item in sizes)) - BEYOND
    high = math.log2(max(item.size for item in sizes)) + BEYOND
    octaves = [low + number for number in range(math.ceil(high - low) + 1)]
    best = min(octaves, key=lambda octave: _misfit(sizes, octave)[0])
    octave = _lowest(sizes, best - 1, best + 1)
    return ScalingFit(math.exp(_misfit(sizes, octave)[1]), 2.0**octave)


def _of_runs(item: SizeRuns) -> _Size:
    logs = [math.log(steps) for steps in item.reached]
    missed = sorted((math.log(steps) for steps in item.missed), reverse=True)
    count = len(logs) + len(missed)
    return _Size(
        size=item.size,
        mean=sum(logs) / len(logs) if logs else 0.0,
        squares=sum(value * value for value in logs) / len(logs) if logs else 0.0,
        part=len(logs) / count,
        missed=tuple(missed),
        each=1.0 / count,
    )


def _lowest(sizes: Sequence[_Size], low: float, high: float) -> float:
    """Return the octave with the least misfit between two, by golden sections."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = _misfit(sizes, left)[0], _misfit(sizes, right)[0]
    for _ in range(SECTIONS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = _misfit(sizes, left)[0]
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = _misfit(sizes, right)[0]
    return (low + high) / 2


def _misfit(sizes: Sequence[_Size], octave: float) -> tuple[float, float]:
    """Return the misfit of a critical batch size, and the logarithm of its best least steps.

    Given the critical batch size, the logarithm of the least steps is a mean. A run that missed and
    should have reached the target is added to it, the one with the largest error first.
    """
    critical = 2.0**octave
    total = weights = squares = 0.0
    missed = []
    for item in sizes:
        shape = math.log1p(critical / item.size)
        total += item.part * (item.mean - shape)
        squares += item.part * (item.squares - 2 * shape * item.mean + shape * shape)
        weights += item.part
        missed += [(value - shape, item.each) for value in item.missed]
    for value, weight in sorted(missed, reverse=True):
        if value <= total / weights:
            break
        total += value * weight
        squares += value * value * weight
        weights += weight
    mean = total / weights
    return squares - weights * mean * mean, mean


def critical_interval(
    runs: Sequence[SizeRuns], fit: ScalingFit, *, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the critical batch size, by bootstrap.

    Each draw resamples the runs of each batch size with replacement; shifts each batch size by the
    residual of some batch size; and makes it faster by as much as a search resampled from its own
    search is slower. So it includes chance between seeds, a curve of another shape, and searches
    that found the best configuration at one batch size and missed it at another.

    Args:
        runs: The runs of three batch sizes or more.
        fit: Their fit by `fit_scaling`.
        draws: Bootstrap samples.
        seed: The seed of the draws.
    """
    chance = random.Random(seed)
    off = [
        sum(map(math.log, item.reached)) / len(item.reached) - math.log(fit.steps(item.size))
        for item in runs
        if item.reached
    ]
    # Two fitted numbers make the residuals smaller.
    larger = math.sqrt(len(off) / (len(off) - 2)) if len(off) > 2 else 1.0
    middle = sum(off) / len(off)
    moves = [larger * (value - middle) for value in off]
    found: list[float] = []
    while len(found) < draws:
        drawn = [_drawn(item, chance.choice(moves), chance) for item in runs]
        if any(item.reached for item in drawn):
            found.append(fit_scaling(drawn).critical)
    found.sort()
    tail = (1 - INTERVAL) / 2 * (draws - 1)
    return found[math.floor(tail)], found[math.ceil(draws - 1 - tail)]


def _drawn(item: SizeRuns, move: float, chance: random.Random) -> SizeRuns:
    """Return as many runs of a batch size, drawn with replacement and shifted."""
    count = len(item.reached) + len(item.missed)
    places = [chance.randrange(count) for _ in range(count)]
    factor = math.exp(move) / _left_by_search(item.searched, chance)
    reached = [item.reached[place] * factor for place in places if place < len(item.reached)]
    missed = [item.missed[p - len(item.reached)] for p in places if p >= len(item.reached)]
    return SizeRuns(item.size, tuple(reached), tuple(missed))


def _left_by_search(searched: Sequence[float], chance: random.Random) -> float:
    """Return the factor by which a search's best trial may exceed the steps of the true best.

    By bootstrap: the best trial of a resampled search exceeds the best of the search by about the
    factor by which that exceeds the best configuration there is.
    """
    if not searched:
        return 1.0
    best = min(chance.randrange(len(searched)) for _ in searched)
    return searched[best] / searched[0]
