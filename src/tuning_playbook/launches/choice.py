"""Which arm's best trial is the candidate: the simplest that is not shown to be worse than another.

Source: playbook, "The incremental tuning strategy": a launch adds no complexity that does not pay.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.analysis.arm_comparison import SIGNIFICANCE, Comparison, Reruns
from tuning_playbook.analysis.numbers import ROUNDING, probability
from tuning_playbook.study.simplicity import Simplicity


@dataclass(frozen=True)
class Choice:
    """The arm whose best trial is the candidate.

    Attributes:
        arm: Its name; None where no trial is feasible.
        passed_over: The simpler arms that the reruns speak against. With any of these, the reruns
            had a part in the choice, so they are weaker evidence for adopting the candidate.
        reasons: Why this arm, in sentences; empty where it is the best of the search anyway.
    """

    arm: str | None
    passed_over: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def choose(
    reruns: Reruns,
    compared: Comparison,
    simple: Mapping[str, Simplicity],
    by_search: Sequence[str],
) -> Choice:
    """Choose the arm whose best trial is the candidate.

    It is the simplest arm that the reruns do not show to be worse than another one (one-sided 5 %,
    calibrated over the other arms). Among equally simple arms it is the one with the best trial of
    the search, because no rerun chose that. Where no arm is simpler than another, or there are no
    reruns to compare, it is the arm with the best trial of the search.

    Args:
        reruns: The reruns of the arms that can be compared.
        compared: The comparison of the arms by their reruns.
        simple: How simple each arm is; empty where that is not known.
        by_search: The arms that have a feasible trial, that of the best one first; by the means
            over all seeds where those choose among configurations.
    """
    if not by_search:
        return Choice(None)
    best = by_search[0]
    ranks = {arm: simple[arm].rank for arm in by_search if arm in simple}
    worse = _worse(reruns, compared)
    eligible = [
        arm
        for arm in by_search
        if worse.get(arm, 0.0) > SIGNIFICANCE or (arm in worse and _near(arm, reruns, compared))
    ]
    if len(set(ranks.values())) < 2 or not eligible:
        return Choice(best)
    least = min(ranks[arm] for arm in eligible)
    arm = next(arm for arm in eligible if ranks[arm] == least)
    passed_over = tuple(other for other in ranks if ranks[other] < least)
    return Choice(arm, passed_over, tuple(_reasons(arm, best, passed_over, worse, simple)))


def _worse(reruns: Reruns, compared: Comparison) -> Mapping[str, float]:
    """Return by arm the p-value for being no worse than another; empty where none is known."""
    if compared.worse is not None:
        return compared.worse
    if reruns.means is None:
        return dict.fromkeys(reruns.arms, 1.0)  # one arm at most, so there is no other
    # No rerun differs from its siblings, so chance has no part in the means either.
    best = max(reruns.means.values())
    return {
        arm: float(math.isclose(mean, best, rel_tol=ROUNDING) or mean > best)
        for arm, mean in reruns.means.items()
    }


def _near(arm: str, reruns: Reruns, compared: Comparison) -> bool:
    """Return whether an arm is worse than others by a negligible difference at most."""
    beside = [pair for pair in compared.pairs if pair.other == arm]
    if reruns.missed:
        return False  # without reaching the target it may be worse by any amount
    return bool(beside) and all(pair.high < reruns.margin for pair in beside)


def _reasons(
    arm: str,
    best: str,
    passed_over: Sequence[str],
    worse: Mapping[str, float],
    simple: Mapping[str, Simplicity],
) -> list[str]:
    reasons = []
    if arm != best and simple[best].rank > simple[arm].rank:
        why = f" ({'; '.join(simple[arm].words)})" if simple[arm].words else ""
        reasons.append(
            f"The candidate is the best trial of {arm}, the simplest arm{why} that the reruns do "
            f"not show to be worse than another ({probability(worse[arm])}). The best trial of the "
            f"search is one of {best}, which would have to be shown better to be worth having."
        )
    for other in passed_over:
        if other in worse:
            said = f"its reruns are worse than those of another arm ({probability(worse[other])})"
        else:
            said = "too few of its reruns are feasible"
        reasons.append(f"{other} is simpler than the candidate's arm, but {said}.")
    return reasons
