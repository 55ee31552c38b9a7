"""The launch decision: whether the candidate replaces the baseline, and on what evidence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from tuning_playbook.analysis.comparison import Difference, compare
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import plain, text
from tuning_playbook.analysis.ranking import direction, members, strings
from tuning_playbook.analysis.variance import (
    BASELINE,
    LEAST_RERUNS,
    TrialVariance,
    trial_variance,
)

Decision = Literal["adopt", "reject", "provisional"]

UNRELIABLE = 0.5
"""A candidate of whose reruns at least this share is infeasible is no configuration to launch."""


@dataclass(frozen=True)
class Configuration:
    """A configuration that the decision is about, with its reruns.

    Attributes:
        arm: The arm whose best trial it is, or `baseline`.
        trial: The id of that trial; empty for the baseline.
        hyperparameters: Every resolved value.
        search_objective: What it reached in the search, biased by selection; None for the baseline.
        rerun_objectives: What each rerun reached; None for an infeasible one.
        mean: Of the feasible reruns; None where there is none.
        standard_deviation: Of the feasible reruns; None below two.
    """

    arm: str
    trial: str
    hyperparameters: Mapping[str, Any]
    search_objective: float | None
    rerun_objectives: tuple[float | None, ...]
    mean: float | None
    standard_deviation: float | None


@dataclass(frozen=True)
class Launch:
    """The decision with everything that it rests on.

    Attributes:
        decision: `adopt` the candidate, `reject` it, or `provisional`: more evidence is needed.
        reasons: Why, in full sentences.
        candidate: The best trial of the arm with the best search objective; None where no trial
            is feasible.
        baseline: The incumbent; None where the spec names none.
        other_arms: The best trials of the other arms.
        difference: None where it cannot be told.
        min_improvement: What the improvement must exceed to outweigh the complexity.
        complexity: What the candidate adds, in the spec's words.
        caveats: What the result is conditional on.
        objective_metric: As in the spec.
        objective_mode: `min` or `max`.
        open_problems: The checks that found a problem.
    """

    decision: Decision
    reasons: tuple[str, ...]
    candidate: Configuration | None
    baseline: Configuration | None
    other_arms: tuple[Configuration, ...]
    difference: Difference | None
    min_improvement: float
    complexity: str
    caveats: tuple[str, ...]
    objective_metric: str
    objective_mode: str
    open_problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        return asdict(self, dict_factory=_json_object)


def _json_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in items}


def decide(
    study: xr.Dataset,
    reruns: xr.Dataset | None,
    findings: Sequence[Finding],
    *,
    min_improvement: float = 0.0,
    complexity: str = "",
    caveats: Sequence[str] = (),
) -> Launch:
    """Decide whether to adopt the candidate in place of the baseline.

    The candidate is the best trial of the arm with the best search objective. It is chosen by the
    search alone, so its reruns on fresh seeds are an unbiased test of it; the search objective
    itself, the best of many, is not.

    - *Reject* when the mean of the candidate's reruns is not better than the baseline's by more
      than `min_improvement`: the reruns do not favour it, and the incumbent stays. Also when the
      candidate is the baseline, when no trial is feasible, and when at least half of the
      candidate's reruns are infeasible.
    - *Adopt* when the lower 95 % bound (one-sided) of the improvement exceeds `min_improvement`
      and nothing stands against it.
    - *Provisional* otherwise: with fewer than five feasible reruns of either (the variance is not
      known), without a baseline, with a check that found a problem, with an infeasible rerun of
      the candidate, or when no rerun differs from its siblings, which leaves nothing to judge the
      difference by.

    With no difference at most 5 % of candidates are adopted; with a difference of two standard
    deviations and five reruns of each at least 80 % are.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration".

    Args:
        study: The study.
        reruns: Reruns of the best trial of each arm and of the baseline; None where there are none.
        findings: What the checklist found.
        min_improvement: What an improvement must exceed to outweigh the complexity it brings.
        complexity: What the candidate adds, in words.
        caveats: What the result is conditional on, in sentences.
    """
    variances = {row.arm: row for row in trial_variance(study, reruns)}
    configurations = {arm: _configuration(row, study, reruns) for arm, row in variances.items()}
    chosen = _chosen_arm(study, variances)
    evidence = _Evidence(
        candidate=None if chosen is None else variances[chosen],
        baseline=variances.get(BASELINE),
        same=chosen is not None and _same(configurations[chosen], configurations.get(BASELINE)),
        sign=-direction(study),
        problems=tuple(finding.check for finding in findings if finding.answer == "problem"),
        min_improvement=float(min_improvement),
    )
    decision, reasons = _judge(evidence)
    return Launch(
        decision=decision,
        reasons=tuple(reasons),
        candidate=None if chosen is None else configurations[chosen],
        baseline=configurations.get(BASELINE),
        other_arms=tuple(
            configuration
            for arm, configuration in configurations.items()
            if arm not in (chosen, BASELINE)
        ),
        difference=evidence.difference,
        min_improvement=evidence.min_improvement,
        complexity=complexity,
        caveats=tuple(caveats),
        objective_metric=str(study.attrs["objective_metric"]),
        objective_mode=str(study.attrs["objective_mode"]),
        open_problems=evidence.problems,
    )


def _chosen_arm(study: xr.Dataset, variances: Mapping[str, TrialVariance]) -> str | None:
    """Return the arm of the best search objective, the earlier of equal ones."""
    scores = {
        arm: direction(study) * row.search_objective
        for arm, row in variances.items()
        if row.search_objective is not None
    }
    return min(scores, key=scores.__getitem__) if scores else None


def _configuration(
    row: TrialVariance, study: xr.Dataset, reruns: xr.Dataset | None
) -> Configuration:
    """Describe what was rerun, as it stands in the dataset that holds it."""
    hyperparameters: dict[str, Any] = {}
    if row.trial:
        position = int(np.flatnonzero(strings(study, "trial") == row.trial)[0])
        hyperparameters = _hyperparameters(study, position)
    elif row.arm == BASELINE and reruns is not None:
        hyperparameters = _hyperparameters(reruns, int(members(reruns, BASELINE)[0]))
    return Configuration(
        arm=row.arm,
        trial=row.trial,
        hyperparameters=hyperparameters,
        search_objective=row.search_objective,
        rerun_objectives=row.reruns,
        mean=row.mean,
        standard_deviation=row.standard_deviation,
    )


def _hyperparameters(dataset: xr.Dataset, position: int) -> dict[str, Any]:
    """Return the hyperparameters that exist in a trial."""
    values = {
        str(name).removeprefix("hp_"): plain(variable.values[position])
        for name, variable in dataset.data_vars.items()
        if str(name).startswith("hp_")
    }
    return {name: value for name, value in values.items() if value is not None}


def _same(new: Configuration, old: Configuration | None) -> bool:
    """Whether two configurations train alike."""
    if old is None:
        return False
    one, other = _resolved(new.hyperparameters), _resolved(old.hyperparameters)
    return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)


def _resolved(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out `one_minus_<name>` beside `<name>`, which it only says in another way."""
    return {
        name: value
        for name, value in hyperparameters.items()
        if not name.startswith("one_minus_")
        or name.removeprefix("one_minus_") not in hyperparameters
    }


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return math.isclose(one, other, rel_tol=1e-9)


@dataclass(frozen=True)
class _Evidence:
    """What the decision is made of."""

    candidate: TrialVariance | None
    baseline: TrialVariance | None
    same: bool
    sign: float
    problems: tuple[str, ...]
    min_improvement: float

    @property
    def known(self) -> bool:
        """Whether the variance of both is known."""
        return all(row is not None and row.known for row in (self.candidate, self.baseline))

    @property
    def improvement(self) -> float | None:
        """Difference of the means of the reruns, positive where the candidate is better."""
        means = [row.mean if row else None for row in (self.candidate, self.baseline)]
        if self.same or means[0] is None or means[1] is None:
            return None
        return self.sign * (means[0] - means[1])

    @property
    def difference(self) -> Difference | None:
        """The same with its uncertainty; None where it cannot be told."""
        if self.same or self.candidate is None or self.baseline is None:
            return None
        return compare(self.candidate.feasible, self.baseline.feasible, sign=self.sign)


def _judge(evidence: _Evidence) -> tuple[Decision, list[str]]:
    candidate = evidence.candidate
    if candidate is None:
        return "reject", ["No trial of the study is feasible, so there is nothing to adopt."]
    if evidence.same:
        return "reject", [
            f"The candidate, the best trial of {candidate.arm}, has the baseline's configuration, "
            "so there is nothing to adopt."
        ]
    reasons = _what_the_reruns_show(evidence)
    if candidate.infeasible >= max(2, UNRELIABLE * len(candidate.reruns)):
        return "reject", reasons
    least = text(evidence.min_improvement)
    improvement = evidence.improvement
    if evidence.known and improvement is not None and improvement <= evidence.min_improvement:
        reasons.append(
            f"The reruns do not favour the candidate by more than {least}, so the incumbent stays."
        )
        return "reject", reasons
    doubts = _doubts(evidence)
    if doubts:
        return "provisional", reasons + doubts
    reasons.append(
        f"With 95 % confidence the improvement exceeds {least}, which is what the spec asks of it "
        "for the complexity that it brings."
    )
    return "adopt", reasons


def _what_the_reruns_show(evidence: _Evidence) -> list[str]:
    sentences = []
    rows = {"candidate": evidence.candidate, "baseline": evidence.baseline}
    means = [
        f"the reruns of the {name} have a mean of {text(row.mean)}"
        for name, row in rows.items()
        if row is not None and row.mean is not None
    ]
    if means:
        sentence = " and ".join(means)
        if evidence.improvement is not None:
            sentence += f": an improvement of {text(evidence.improvement)}"
        if evidence.difference is not None:
            low, high = evidence.difference.low, evidence.difference.high
            sentence += f" (95 % interval {text(low)} to {text(high)})"
        sentences.append(f"{sentence[0].upper()}{sentence[1:]}.")
    sentences += [
        f"{row.infeasible} of {len(row.reruns)} reruns of the {name} are infeasible: it does not "
        "train reliably, and its mean leaves them out, which flatters it."
        for name, row in rows.items()
        if row is not None and row.infeasible
    ]
    return sentences


def _doubts(evidence: _Evidence) -> list[str]:
    """Say what stands against adopting the candidate; nothing where all is well."""
    candidate, baseline, difference = evidence.candidate, evidence.baseline, evidence.difference
    doubts = []
    if baseline is None:
        doubts.append("There are no reruns of a baseline, so there is nothing to compare with.")
    elif candidate is not None and not evidence.known:
        doubts.append(
            f"The variance is not known: the candidate has {len(candidate.feasible)} feasible "
            f"reruns and the baseline {len(baseline.feasible)}, and {LEAST_RERUNS} of each are "
            "needed."
        )
    elif difference is None:
        doubts.append(
            "All reruns of the candidate reached one and the same objective, and so did all of the "
            "baseline, so there is no variance to judge their difference by. Check that the seeds "
            "reach the training, and that the metric is not too coarse."
        )
    elif difference.lower_bound <= evidence.min_improvement:
        doubts.append(
            f"The lower 95 % bound of the improvement, {text(difference.lower_bound)}, does not "
            f"exceed {text(evidence.min_improvement)}. Reruns that vary so much show a true "
            f"improvement of {text(difference.smallest_detectable)} four times in five."
        )
    if candidate is not None and candidate.infeasible:
        doubts.append("A candidate with infeasible reruns is not adopted.")
    if evidence.problems:
        doubts.append(
            f"The checklist found problems ({', '.join(evidence.problems)}); until they are "
            "resolved the comparison cannot be trusted."
        )
    return doubts
