"""Arms compared by the reruns of their best trials: pair by pair, and with the best.

The search gave each arm the best of many trials, which flatters; reruns on fresh seeds do not. What
the numbers mean in words is in `answer`.

Sources: playbook, "The incremental tuning strategy"; the statistics: `simultaneous`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tuning_playbook.analysis.rank_test import (
    Strata,
    enough_values,
    holm,
    p_of_no_better,
    share_of_wins,
    shift,
)
from tuning_playbook.analysis.ranking import Floats
from tuning_playbook.analysis.simultaneous import (
    CONFIDENCE,
    Contrast,
    Samples,
    contrasts,
    enough,
    one_sided_p,
    samples_of,
    worse_than_another,
)
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.declarations import Value
from tuning_playbook.study.study import write_value

Verdict = Literal["differs", "practically the same", "no difference shown", "cannot tell"]

SIGNIFICANCE = 1 - CONFIDENCE

EVEN = 0.5
"""The chance of the better of two runs where neither configuration is the better one."""

STEPS = " steps"
"""The unit of an objective that counts the steps to a target."""

Setting = Mapping[str, Value]

Places = tuple[int, ...]
"""Of arms, among those that are compared."""

Shared = Sequence[tuple[Places, Places]]
"""The arms of one value and those of another, beside each values of the other hyperparameters that
both have."""

Levels = Mapping[str, Places]
"""By each value of a hyperparameter, as `optimizer=adam`, the places of the arms that have it."""


@dataclass(frozen=True)
class Reruns:
    """The arms whose variance is known, and what was measured of them.

    Attributes:
        arms: Their names.
        settings: Of each, its values of the scientific hyperparameters.
        means: Of their reruns by arm, larger being better; None where fewer than two arms have
            enough.
        samples: Of their reruns, likewise; None also where no rerun differs from its siblings.
        margin: What a difference must exceed to matter, in the objective's unit.
        values: Of each arm what is compared by ranks, larger being better; None where means are
            compared.
        reach: The largest difference of two such values that there can be.
        missed_of: Of each arm, how many of its reruns did not reach the target.
        unit: As ` steps`; empty where the objective is a metric's value.
    """

    arms: tuple[str, ...]
    settings: tuple[Setting, ...]
    means: Mapping[str, float] | None
    samples: Samples | None
    margin: float
    values: tuple[Floats, ...] | None = None
    reach: float = math.inf
    missed_of: Places = ()
    unit: str = ""

    @property
    def missed(self) -> int:
        """How many reruns of the arms did not reach the target."""
        return sum(self.missed_of)

    @property
    def vary(self) -> bool:
        """Whether there is anything to judge a difference by."""
        of_ranks = self.values is not None and len(np.unique(np.concatenate(self.values))) > 1
        return of_ranks or self.samples is not None


@dataclass(frozen=True)
class Pair:
    """Two values of a hyperparameter, or two arms, by the reruns of their best trials.

    Attributes:
        arm: The better of the two on average.
        other: The other one.
        difference: By how much, in the objective's unit.
        low: Lower end of the interval; those of a question hold together with 95 % confidence.
        high: Upper end.
        p: Of there being no difference, likewise for all pairs of the question together.
    """

    arm: str
    other: str
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """The values of a hyperparameter, or the arms, compared with each other.

    Attributes:
        verdict: `differs` where some pair does; `practically the same` where every interval lies
            within the margin; `no difference shown` where neither is so; `cannot tell` without
            reruns enough.
        ordered: The values, or arms, the best mean first.
        worse: By each, the p-value of its being no worse than any other (Hsu's comparison with the
            best, one-sided, calibrated over the others).
        needed_reruns: How many reruns of each arm would settle it four times in five, if what was
            seen is what there is; None unless no difference is shown.
        pairs: Every two that can be compared.
        uncompared: The values that are beside the same others as no other value.
    """

    verdict: Verdict
    ordered: tuple[str, ...] = ()
    worse: Mapping[str, float] | None = None
    needed_reruns: int | None = None
    pairs: tuple[Pair, ...] = ()
    uncompared: tuple[str, ...] = ()

    @property
    def best(self) -> tuple[str, ...]:
        """Those that are not shown to be worse than another, the best mean first."""
        worse = self.worse or {}
        return tuple(level for level in self.ordered if worse[level] > SIGNIFICANCE)


def reruns_of(
    variances: Sequence[TrialVariance],
    settings: Mapping[str, Setting],
    *,
    sign: float,
    margin: float,
) -> Reruns:
    """Return the arms that have reruns enough.

    Steps to a target are compared by ranks where a rerun did not reach it, which is then worse than
    any that did, and where no rerun differs from its siblings, because steps are coarse.

    Args:
        variances: The reruns of arms.
        settings: By arm, its values of the scientific hyperparameters.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
        margin: What a difference must exceed to matter.
    """
    known = [row for row in variances if row.known and row.arm in settings]
    values = {row.arm: [sign * value for value in row.comparable] for row in known}
    enough_arms = len(known) > 1
    beyond = next((row.beyond for row in known if row.beyond is not None), None)
    missed_of = tuple(row.missed for row in known)
    earlier = next((row.earlier for row in known if row.earlier is not None), None)
    before = None if earlier is None else (earlier.deviation**2, earlier.degrees)
    samples = None
    if enough_arms and not any(missed_of):
        samples = samples_of(list(values.values()), before)
    if enough_arms and beyond is not None and samples is None:
        return Reruns(
            arms=tuple(values),
            settings=tuple(settings[arm] for arm in values),
            means=None,
            samples=None,
            margin=margin,
            values=tuple(np.array(of) for of in values.values()),
            reach=beyond,
            missed_of=missed_of,
            unit=STEPS,
        )
    return Reruns(
        arms=tuple(values),
        settings=tuple(settings[arm] for arm in values),
        means={arm: sum(of) / len(of) for arm, of in values.items()} if enough_arms else None,
        samples=samples,
        margin=margin,
        unit="" if beyond is None else STEPS,
    )


def compare_arms(reruns: Reruns) -> Comparison:
    """Compare all arms."""
    levels = {arm: (place,) for place, arm in enumerate(reruns.arms)}
    pairs = {
        (one, other): [(levels[one], levels[other])]
        for one, other in itertools.combinations(levels, 2)
    }
    return _compare(levels, pairs, reruns)


def compare_values(name: str, reruns: Reruns) -> Comparison:
    """Compare the values of a scientific hyperparameter, each averaged over the arms that have it.

    Where the arms are not every combination of values, a pair is compared beside those values of
    the other hyperparameters that occur with both.
    """
    levels: dict[str, tuple[int, ...]] = {}
    for place, setting in enumerate(reruns.settings):
        if name in setting:
            level = f"{name}={write_value(setting[name])}"
            levels[level] = (*levels.get(level, ()), place)
    pairs = {
        (one, other): _beside_shared(name, levels[one], levels[other], reruns.settings)
        for one, other in itertools.combinations(levels, 2)
    }
    return _compare(levels, {pair: found for pair, found in pairs.items() if found}, reruns)


def beside_what(name: str, reruns: Reruns) -> tuple[str, ...]:
    """Return the values of the others beside which a hyperparameter's values are compared.

    Empty where these are all that there are: then a comparison is an average over the whole design.

    Args:
        name: The hyperparameter.
        reruns: The arms.
    """
    found: dict[str, set[Value]] = {}
    for setting in reruns.settings:
        if name in setting:
            rest = {n: value for n, value in setting.items() if n != name}
            written = ", ".join(f"{n}={write_value(value)}" for n, value in rest.items())
            found.setdefault(written, set()).add(setting[name])
    shared = [rest for rest, values in found.items() if len(values) > 1]
    return () if len(shared) == len(found) else tuple(shared)


def _beside_shared(name: str, one: Places, other: Places, settings: Sequence[Setting]) -> Shared:
    """Return the arms of two values beside what both occur with; none where they share nothing."""
    shared = set.intersection(*(set(settings[place]) for place in (*one, *other))) - {name}
    groups: tuple[dict[tuple[Value, ...], list[int]], ...] = ({}, {})
    for group, places in zip(groups, (one, other), strict=True):
        for place in places:
            key = tuple(settings[place][item] for item in sorted(shared))
            group.setdefault(key, []).append(place)
    return [(tuple(groups[0][key]), tuple(groups[1][key])) for key in groups[0] if key in groups[1]]


def _weights(shared: Shared, count: int) -> Floats:
    """Return the weights of one value's mean minus another's: [arm]."""
    row = np.zeros(count)
    for both in shared:
        for places, sign in zip(both, (1.0, -1.0), strict=True):
            row[list(places)] += sign / len(places) / len(shared)
    return row


def _compare(
    levels: Levels, beside: Mapping[tuple[str, str], Shared], reruns: Reruns
) -> Comparison:
    samples = reruns.samples
    compared = {level for pair in beside for level in pair}
    uncompared = tuple(level for level in levels if level not in compared)
    levels = {level: places for level, places in levels.items() if level in compared}
    if reruns.values is not None and beside:
        return _compare_by_ranks(levels, beside, uncompared, reruns)
    if samples is None or not beside:
        return Comparison("cannot tell")
    rows = {pair: _weights(shared, len(reruns.arms)) for pair, shared in beside.items()}
    weights = np.array(list(rows.values()))
    pairs = tuple(
        _pair(one, other, found)
        for (one, other), found in zip(rows, contrasts(samples, weights), strict=True)
    )
    verdict = _verdict(pairs, reruns.margin)
    undecided = verdict == "no difference shown"
    means = {level: float(samples.means[list(places)].mean()) for level, places in levels.items()}
    return Comparison(
        verdict=verdict,
        ordered=tuple(sorted(levels, key=lambda level: -means[level])),
        worse={level: _worse(level, levels, rows, samples) for level in levels},
        needed_reruns=enough(samples, weights, margin=reruns.margin) if undecided else None,
        pairs=pairs,
        uncompared=uncompared,
    )


def _compare_by_ranks(
    levels: Levels,
    beside: Mapping[tuple[str, str], Shared],
    uncompared: tuple[str, ...],
    reruns: Reruns,
) -> Comparison:
    """Compare by ranks those pairs of which a rerun did not reach the target.

    Pairs of which every rerun did are compared by their means, as usual. Each kind has a share of
    the 5 % in proportion to its pairs. P-values by ranks hold together by Holm's method, and
    intervals by Bonferroni's. Nothing is called practically the same: how far apart two runs are
    that did not reach the target is not known.
    """
    if not reruns.vary:
        return Comparison("cannot tell")
    values = reruns.values or ()
    reached = enumerate(reruns.missed_of)
    whole = [place for place, count in reached if not count and len(values[place]) > 1]
    samples = samples_of([values[place].tolist() for place in whole]) if len(whole) > 1 else None
    rows = {
        pair: _weights(shared, len(values))[whole]
        for pair, shared in beside.items()
        if samples is not None and _places_of(shared) <= set(whole)
    }

    def of(side: Places) -> Floats:
        return np.concatenate([values[place] for place in side])

    strata = {
        pair: [(of(mine), of(theirs)) for mine, theirs in shared] for pair, shared in beside.items()
    }
    ranked = [pair for pair in beside if pair not in rows]
    found: dict[tuple[str, str], Contrast] = {}
    if samples is not None and rows:
        share = len(rows) / len(beside)
        measured = contrasts(samples, np.array([*rows.values()]), 1 - SIGNIFICANCE * share)
        for pair, contrast in zip(rows, measured, strict=True):
            found[pair] = replace(contrast, p=min(1.0, contrast.p / share))
    shifts = {
        pair: shift(strata[pair], confidence=1 - SIGNIFICANCE / len(beside), reach=reruns.reach)
        for pair in ranked
    }
    together = holm([shifts[pair].p for pair in ranked])
    for pair, p in zip(ranked, together, strict=True):
        shifted = shifts[pair]
        held = min(1.0, p * len(beside) / len(ranked))
        found[pair] = Contrast(shifted.estimate, shifted.low, shifted.high, held)
    # A median of 0 does not say which is the better one; the wins do.
    loses = {pair for pair in ranked if not shifts[pair].estimate and shifts[pair].better < EVEN}
    pairs = tuple(_pair(*pair, found[pair], turned=pair in loses) for pair in beside)
    verdict: Verdict = "no difference shown"
    if any(pair.p <= SIGNIFICANCE for pair in pairs):
        verdict = "differs"
    undecided = verdict == "no difference shown"
    return Comparison(
        verdict=verdict,
        ordered=_by_wins(levels, strata),
        worse={level: _worse_by_ranks(level, strata, rows, samples) for level in levels},
        needed_reruns=_enough(strata, len(beside)) if undecided else None,
        pairs=pairs,
        uncompared=uncompared,
    )


def _places_of(shared: Shared) -> set[int]:
    return {place for both in shared for side in both for place in side}


def _by_wins(levels: Levels, strata: Mapping[tuple[str, str], Strata]) -> tuple[str, ...]:
    """Return the values, or arms, whose reruns win most often against those of the others first."""
    wins: dict[str, list[float]] = {level: [] for level in levels}
    for (one, other), samples in strata.items():
        share = share_of_wins(samples)
        wins[one].append(share)
        wins[other].append(1 - share)
    return tuple(sorted(levels, key=lambda level: -float(np.mean(wins[level]))))


def _enough(strata: Mapping[tuple[str, str], Strata], pairs: int) -> int | None:
    clearest = max(map(share_of_wins, strata.values()), key=lambda share: abs(share - EVEN))
    return enough_values(clearest, 1 - SIGNIFICANCE / pairs / 2)


def _worse_by_ranks(
    level: str,
    strata: Mapping[tuple[str, str], Strata],
    rows: Mapping[tuple[str, str], Floats],
    samples: Samples | None,
) -> float:
    """Return the p-value of a value, or an arm, being no worse than any other (Bonferroni)."""
    others = [pair for pair in strata if level in pair]
    by_means = [pair for pair in others if pair in rows]
    found = [1.0]
    if samples is not None and by_means:
        beyond = [-rows[pair] if pair[0] == level else rows[pair] for pair in by_means]
        found.append(one_sided_p(samples, np.array(beyond)) * len(others) / len(by_means))
    for pair in others:
        if pair not in rows:
            of = strata[pair]
            worse = [(theirs, mine) for mine, theirs in of] if pair[0] == level else of
            found.append(p_of_no_better(worse) * len(others))
    return min(found)


def _pair(one: str, other: str, found: Contrast, *, turned: bool = False) -> Pair:
    if turned or found.estimate < 0:
        return Pair(other, one, abs(found.estimate), -found.high, -found.low, found.p)
    return Pair(one, other, found.estimate, found.low, found.high, found.p)


def _verdict(pairs: Sequence[Pair], margin: float) -> Verdict:
    if all(max(abs(pair.low), abs(pair.high)) < margin for pair in pairs):
        return "practically the same"
    if any(pair.p <= SIGNIFICANCE for pair in pairs):
        return "differs"
    return "no difference shown"


def _worse(
    level: str, levels: Levels, rows: Mapping[tuple[str, str], Floats], samples: Samples
) -> float:
    """Return the p-value of a value, or an arm, being no worse than any other."""
    if all(len(places) == 1 for places in levels.values()):
        others = [other for other in levels if (level, other) in rows or (other, level) in rows]
        places = [levels[other][0] for other in others]
        return worse_than_another(samples, levels[level][0], others=places) if places else 1.0
    beyond = [-row for (one, _), row in rows.items() if one == level]
    beyond += [row for (_, other), row in rows.items() if other == level]
    return one_sided_p(samples, np.array(beyond)) if beyond else 1.0
