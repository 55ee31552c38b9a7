"""How other arms compare with the candidate: in reruns, and in repeats of the search."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuning_playbook.analysis.arm_comparison import Pair
from tuning_playbook.analysis.numbers import ROUNDING, interval, text, told
from tuning_playbook.analysis.study_variance import StudyVariance
from tuning_playbook.analysis.variance import TrialVariance
from tuning_playbook.study.study import BASELINE


@dataclass(frozen=True)
class Rival:
    """Another arm whose reruns are better than the candidate's.

    Attributes:
        arm: Its name.
        trial: The id of its best trial.
        mean: The mean of its reruns; None where one did not reach the target.
        advantage: By how much its mean is better than the candidate's.
        low: Lower end of the 95 % interval of the advantage, which holds for all pairs of arms
            together; None where it is not known.
        high: Upper end.
    """

    arm: str
    trial: str
    mean: float | None
    advantage: float
    low: float | None
    high: float | None

    @property
    def sentence(self) -> str:
        """Return what it means for the candidate."""
        said = (
            f"The reruns of {self.arm}, of its best trial {self.trial}, are better on average than "
            "the candidate's"
        )
        if self.low is None or self.high is None:
            by = text(self.advantage)
            return f"{said} by {by}; the variance is not known well enough to say more."
        by = told(self.advantage, (self.high - self.low) / 2)
        said += f" by {by} (95 % interval {interval(self.low, self.high)})"
        if self.low > 0:
            return (
                f"{said}. It is the better configuration of the two; a study in which it is the "
                "candidate can decide about it."
            )
        return f"{said}, which is within what reruns differ by."


def find_rivals(
    candidate: TrialVariance | None,
    variances: Mapping[str, TrialVariance],
    pairs: Sequence[Pair],
    *,
    sign: float,
) -> tuple[Rival, ...]:
    """Return the arms whose reruns are better than the candidate's on average, the best first.

    Args:
        candidate: Its reruns; None where there is no candidate.
        variances: The reruns of every arm, and of the baseline, by name.
        pairs: The arms, compared two by two.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
    """
    if candidate is None:
        return ()
    found = []
    for arm, row in variances.items():
        if arm in (candidate.arm, BASELINE):
            continue
        compared = [pair for pair in pairs if (pair.arm, pair.other) == (arm, candidate.arm)]
        advantage = _advantage(row, candidate, compared, sign)
        if advantage > ROUNDING * abs(candidate.mean or 0.0):
            interval = (compared[0].low, compared[0].high) if compared else (None, None)
            found.append(Rival(arm, row.trial, row.mean, advantage, *interval))
    return tuple(sorted(found, key=lambda rival: -rival.advantage))


def _advantage(
    row: TrialVariance, candidate: TrialVariance, pairs: Sequence[Pair], sign: float
) -> float:
    """Return by how much an arm's reruns are better than the candidate's; 0 where it is not known.

    Args:
        row: The arm's reruns.
        candidate: The candidate's.
        pairs: The comparison of the two, where the arm is the better one.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
    """
    if row.missed or candidate.missed:
        return max((pair.difference for pair in pairs), default=0.0)
    if row.mean is None or candidate.mean is None:
        return 0.0
    return sign * (row.mean - candidate.mean)


def what_rivals_show(rivals: Sequence[Rival]) -> list[str]:
    """Say which arms have better reruns: all that are shown to be better, and the best other."""
    shown = [rival for rival in rivals if rival.low is not None and rival.low > 0]
    others = [rival for rival in rivals if rival not in shown]
    sentences = [rival.sentence for rival in (*shown, *others[:1])]
    if len(others) > 1:
        sentences.append(
            f"{len(others) - 1} more arms have better reruns on average, by no more than that."
        )
    return sentences


def what_the_searches_show(
    searches: Sequence[StudyVariance],
    chosen: str | None,
    sign: float,
    *,
    counted: bool = False,
) -> list[str]:
    """Say in how many searches the candidate's arm found a better trial than each other arm.

    Args:
        searches: The study variance of each arm.
        chosen: The arm whose best trial is the candidate; None where there is none.
        sign: 1 where a smaller objective is better, -1 where a larger one is.
        counted: Whether the objective counts steps to a target. Then an arm that never reached it
            in a search is worse there than one that did.

    Returns:
        A sentence for each other arm; empty where the search was made once.
    """
    by_arm = {row.arm: row for row in searches}
    if chosen is None or len(by_arm[chosen].bests) < 2:
        return []
    sentences = []
    for arm, row in by_arm.items():
        pairs = [
            (math.inf if mine is None else mine, math.inf if theirs is None else theirs)
            for mine, theirs in zip(by_arm[chosen].bests, row.bests, strict=True)
            if (counted and mine != theirs) or (mine is not None and theirs is not None)
        ]
        if arm != chosen and pairs:
            won = sum(sign * mine < sign * theirs for mine, theirs in pairs)
            sentences.append(
                f"Of {len(pairs)} searches with different seeds, the best trial of {chosen} was "
                f"better than that of {arm} in {won}."
            )
    return sentences
