"""The decision that the reruns of a candidate and of a baseline lead to, and the reasons for it."""

import functools
from dataclasses import dataclass
from typing import Literal

from tuning_playbook.analysis.arm_comparison import STEPS
from tuning_playbook.analysis.numbers import interval, text, told
from tuning_playbook.analysis.variance import CONFIDENCE, TrialVariance
from tuning_playbook.launches.comparison import Difference, compare_reruns
from tuning_playbook.study.study import LEAST_RERUNS

Decision = Literal["adopt", "reject", "provisional", "undecided"]

UNRELIABLE = 0.5
"""From this share of infeasible reruns on, a candidate is rejected."""


@dataclass(frozen=True)
class Evidence:
    """What the decision rests on.

    Attributes:
        candidate: Its reruns; None where no trial is feasible.
        baseline: The baseline's reruns; None where there are none.
        same: Whether both are one configuration.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
        problems: The checks that found a problem.
        min_improvement: What the improvement must exceed.
        passed_over: The simpler arms that the reruns speak against, see `choice`.
        broken_baseline: Why nothing can be adopted against this baseline; empty where it is sound.
        chosen_among: The number of configurations among which the means of the reruns themselves
            chose the candidate; 1 where they did not.
    """

    candidate: TrialVariance | None
    baseline: TrialVariance | None
    same: bool
    sign: float
    problems: tuple[str, ...]
    min_improvement: float
    passed_over: tuple[str, ...] = ()
    broken_baseline: str = ""
    chosen_among: int = 1

    @property
    def confidence(self) -> float:
        """The confidence of the lower bound: more than 95 % where the reruns chose the candidate.

        If none of the configurations is better than the baseline, chance may still make any of
        them look better and be chosen, so each gets its share of the 5 % (Bonferroni). That also
        covers the choice among their arms, with simpler ones passed over.
        """
        choices = max(self.chosen_among, 2 if self.passed_over else 1)
        return 1 - (1 - CONFIDENCE) / choices

    @property
    def known(self) -> bool:
        """Whether the variance of both is known, or there are enough reruns to compare by ranks.

        An earlier study's variance does not help to compare by ranks.
        """
        rows = (self.candidate, self.baseline)
        enough = LEAST_RERUNS if self.missed else 0
        return all(row is not None and row.known and len(row.comparable) >= enough for row in rows)

    @property
    def missed(self) -> int:
        """The number of reruns of both that did not reach the target."""
        return sum(row.missed for row in (self.candidate, self.baseline) if row is not None)

    @property
    def unit(self) -> str:
        """The unit of the objective, as written after a number."""
        counted = self.candidate is not None and self.candidate.beyond is not None
        return STEPS if counted else ""

    @property
    def improvement(self) -> float | None:
        """The difference of the means of the reruns, positive where the candidate is better.

        By ranks where there are no means because a rerun did not reach the target.
        """
        if self.difference is not None and self.missed:
            return self.difference.improvement
        means = [row.mean if row else None for row in (self.candidate, self.baseline)]
        if self.same or means[0] is None or means[1] is None:
            return None
        return self.sign * (means[0] - means[1])

    @functools.cached_property
    def difference(self) -> Difference | None:
        """The improvement with its uncertainty; None where it is not known."""
        if self.same or self.candidate is None or self.baseline is None:
            return None
        return compare_reruns(
            self.candidate,
            self.baseline,
            sign=self.sign,
            bound_confidence=self.confidence,
            min_improvement=self.min_improvement,
        )


def judge(evidence: Evidence) -> tuple[Decision, list[str]]:
    """Return the decision and its reasons, by the rules in `decision.decide`."""
    candidate = evidence.candidate
    if candidate is None:
        return "reject", ["No trial of the study is feasible, so there is nothing to adopt."]
    if evidence.same:
        return "reject", [
            f"The candidate, the best trial of {candidate.arm}, has the baseline's configuration, "
            "so there is nothing to adopt."
        ]
    reasons = [evidence.broken_baseline] if evidence.broken_baseline else []
    reasons += _what_the_reruns_show(evidence)
    if evidence.chosen_among > 1:
        reasons.append(
            f"The candidate was chosen among {evidence.chosen_among} configurations by the "
            f"{'medians' if evidence.unit else 'means'} of all their seeds, which flatters it, so "
            "an improvement must be shown with "
            f"{_percent(evidence.confidence)} confidence: 5 % divided by {evidence.chosen_among}."
        )
    if candidate.infeasible >= max(2, UNRELIABLE * len(candidate.reruns)):
        return "reject", reasons
    least = text(evidence.min_improvement)
    improvement = evidence.improvement
    not_better = improvement is not None and improvement <= evidence.min_improvement
    if evidence.known and not_better and not _wins_more_often(evidence):
        reasons.append(
            f"The reruns do not favour the candidate by more than {least}, so the incumbent stays."
        )
        return "reject", reasons
    doubts = _doubts(evidence)
    if doubts:
        return "provisional", reasons + doubts
    reasons.append(
        f"With {_percent(evidence.confidence)} confidence the improvement exceeds {least}, which "
        "is what the spec asks of it for the complexity that it brings."
    )
    return "adopt", reasons


def _wins_more_often(evidence: Evidence) -> bool:
    """Return whether the candidate wins more often although the median difference is zero.

    That happens where most reruns of both miss the target, so that half of all pairs are equal.
    """
    found = evidence.difference
    return (
        bool(evidence.missed)
        and found is not None
        and found.probability_better > 0.5
        and found.high > evidence.min_improvement
    )


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _what_the_reruns_show(evidence: Evidence) -> list[str]:
    sentences = []
    rows = {"candidate": evidence.candidate, "baseline": evidence.baseline}
    sentences += [
        f"Of the {name}, {row.of_reruns}."
        for name, row in rows.items()
        if row is not None and row.missed
    ]
    means = [
        f"the reruns of the {name} have a mean of {told(row.mean, row.error)}{evidence.unit}"
        for name, row in rows.items()
        if row is not None and row.mean is not None
    ]
    if means:
        sentence = " and ".join(means)
        if evidence.improvement is not None and not evidence.missed:
            sentence += f": {_improvement(evidence)}"
        sentences.append(f"{sentence[0].upper()}{sentence[1:]}.")
    if evidence.difference is not None and evidence.missed:
        beyond = evidence.candidate.beyond if evidence.candidate else None
        sentences.append(
            "Compared by ranks, in which a rerun that does not reach the target is worse than any "
            f"that does, that is {_improvement(evidence)}. Such a rerun is taken to need "
            f"{text(beyond or 0.0)} steps, the fewest that it can have needed."
        )
    if evidence.difference is not None:
        found = evidence.difference
        each = "on the same seed" if found.paired else "each on a seed of its own"
        sentences.append(
            f"Trained once more, {each}, the candidate beats the baseline with a probability of "
            f"{found.probability_better:.0%} (95 % interval {found.probability_low:.0%} to "
            f"{found.probability_high:.0%})."
        )
    before = [row.earlier for row in rows.values() if row is not None and row.earlier is not None]
    if evidence.difference is not None and before:
        whose = f"of the study {before[0].study}" if before[0].study else "that the spec gives"
        sentences.append(
            f"With fewer than {LEAST_RERUNS} reruns the intervals rest on the trial variance "
            f"{whose}: a standard deviation of {text(before[0].deviation)}, with "
            f"{before[0].degrees} degrees of freedom. It holds while nothing major has changed."
        )
    sentences += [
        f"{row.infeasible} of {len(row.reruns)} reruns of the {name} are infeasible: it does not "
        "train reliably, and its mean leaves them out, which flatters it."
        for name, row in rows.items()
        if row is not None and row.infeasible
    ]
    return sentences


def _improvement(evidence: Evidence) -> str:
    """Return the improvement in words, with its interval where that is known."""
    error = evidence.difference.error if evidence.difference else 0.0
    written = f"an improvement of {told(evidence.improvement or 0.0, error)}{evidence.unit}"
    if evidence.difference is None:
        return written
    return (
        f"{written} (95 % interval {interval(evidence.difference.low, evidence.difference.high)})"
    )


def _detectable(difference: Difference) -> str:
    if difference.smallest_detectable is None:
        return ""
    least = told(difference.smallest_detectable, difference.error)
    return f" With this variance, reruns show a true improvement of {least} four times in five."


def _doubts(evidence: Evidence) -> list[str]:
    """Return the objections to adopting the candidate; empty where there is none."""
    candidate, baseline, difference = evidence.candidate, evidence.baseline, evidence.difference
    doubts = []
    if baseline is None:
        doubts.append("There are no reruns of a baseline, so there is nothing to compare with.")
    elif candidate is not None and not evidence.known:
        doubts.append(
            f"The variance is not known: the candidate has {len(candidate.comparable)} feasible "
            f"reruns and the baseline {len(baseline.comparable)}, and {LEAST_RERUNS} of each are "
            "needed."
        )
    elif difference is None and evidence.missed:
        doubts.append(
            "No rerun of the candidate or of the baseline reaches the target, so which is the "
            "faster is not known. Train longer, or take a target that is easier to reach."
        )
    elif difference is None:
        doubts.append(
            "The reruns of the candidate do not differ among each other, nor do those of the "
            "baseline (or some are too large for their variance to be computed), so there is no "
            "variance to judge their difference by. Check that the seeds reach the training, and "
            "that the metric is not too coarse."
        )
    elif not difference.lower_bound > evidence.min_improvement:
        doubts.append(
            f"The lower {_percent(evidence.confidence)} bound of the improvement, "
            f"{told(difference.lower_bound, difference.error)}, does not exceed "
            f"{text(evidence.min_improvement)}.{_detectable(difference)}"
        )
    if evidence.broken_baseline:
        doubts.append("Against such a baseline nothing is adopted.")
    if candidate is not None and candidate.infeasible:
        doubts.append("A candidate with infeasible reruns is not adopted.")
    if evidence.problems:
        doubts.append(
            f"The checklist found problems ({', '.join(evidence.problems)}); until they are "
            "resolved the comparison cannot be trusted."
        )
    return doubts
