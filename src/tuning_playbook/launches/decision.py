"""The launch decision: whether the candidate replaces the baseline, and on what evidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.answer import Answer, answer, compare_all
from tuning_playbook.analysis.best_of import BestOf, best_of
from tuning_playbook.analysis.cliff import Cliff, cliffs
from tuning_playbook.analysis.every_configuration import (
    EveryConfiguration,
    answer_by,
    chosen_among,
    every_configuration,
)
from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import json_object, plain
from tuning_playbook.analysis.ranking import (
    arm_settings,
    arms_by_best,
    censored,
    direction,
    members,
    metric_direction,
    metric_losses,
    ranked,
    strings,
    target,
    trial_ids,
)
from tuning_playbook.analysis.sampled_values import sampled_values
from tuning_playbook.analysis.study_variance import StudyVariance, study_variance
from tuning_playbook.analysis.trial_values import values_of
from tuning_playbook.analysis.variance import (
    TrialVariance,
    on_the_usual_data,
    summarise,
    trial_variance,
)
from tuning_playbook.dataset.every_seed import every_seed
from tuning_playbook.launches.cautions import cautions
from tuning_playbook.launches.choice import choose
from tuning_playbook.launches.comparison import Difference
from tuning_playbook.launches.data_variance import DataVariance, data_variance, what_the_splits_show
from tuning_playbook.launches.fragility import fragility
from tuning_playbook.launches.gains import Gains, gains
from tuning_playbook.launches.judgement import Decision, Evidence, judge
from tuning_playbook.launches.objections import hardly_better_than_chance, is_the_question
from tuning_playbook.launches.rivals import (
    Rival,
    find_rivals,
    what_rivals_show,
    what_the_searches_show,
)
from tuning_playbook.launches.what_next import what_would_change
from tuning_playbook.study.equality import differing
from tuning_playbook.study.simplicity import Simplicity
from tuning_playbook.study.study import BASELINE

NAMED = 8
"""Most trials without a result that a message names."""

NOT_ON_A_PART = (
    "The missing trials could change the winner, so nothing is decided. Run the study again "
    "to train them, or ask for a decision without them: --config incomplete=decide."
)


@dataclass(frozen=True)
class Configuration:
    """A configuration in the decision, with its reruns.

    Attributes:
        arm: The arm whose best trial it is, or `baseline`.
        trial: The id of that trial; empty for the baseline.
        hyperparameters: Every resolved value.
        trials: How many trials its arm had; 0 for the baseline.
        feasible_trials: How many of them are feasible.
        search_objective: Its objective in the search, biased by selection; None for the baseline,
            and where it did not reach the target.
        search_censored: Whether it did not reach the target in the search.
        rerun_objectives: The objective of each rerun; None for an infeasible one, and for one that
            did not reach the target.
        rerun_censored: Whether each did not reach the target; empty without a target.
        rerun_seeds: The seed of each.
        mean: The mean of the feasible reruns; None where there is none.
        low: Lower end of the 95 % interval of the mean; None where the variance is not known.
        high: Upper end.
        standard_deviation: That of the feasible reruns; None with fewer than two.
        deviation_low: Lower end of its 95 % interval; None where the variance is not known.
        deviation_high: Upper end.
    """

    arm: str
    trial: str
    hyperparameters: Mapping[str, Any]
    trials: int
    feasible_trials: int
    search_objective: float | None
    search_censored: bool
    rerun_objectives: tuple[float | None, ...]
    rerun_censored: tuple[bool, ...]
    rerun_seeds: tuple[int, ...]
    mean: float | None
    low: float | None
    high: float | None
    standard_deviation: float | None
    deviation_low: float | None
    deviation_high: float | None


@dataclass(frozen=True)
class Launch:
    """The decision with everything that it rests on.

    Attributes:
        decision: `adopt` the candidate, `reject` it, or `provisional`: more evidence is needed; or
            `undecided`, where the study is incomplete and nobody asked for a decision on it.
        reasons: Why, in full sentences.
        answer: The study's answer to its goal, arm against arm.
        candidate: The best trial of the simplest arm that is not shown to be worse than another,
            see `choice`; None where no trial is feasible.
        passed_over: The simpler arms that the reruns speak against.
        gains: What the improvement comes from: the change, or the tuning; None where that is not
            known.
        baseline: The incumbent; None where the spec names none.
        other_arms: The best trials of the other arms.
        configurations: Every configuration that has reruns, compared with every other one; None
            where these are only the best trials of the arms and the baseline.
        what_would_change: What evidence would change the decision, or settle an open question.
        rivals: The other arms whose reruns are better than the candidate's.
        difference: The candidate's difference from the baseline; None where it is not known.
        min_improvement: What the improvement must exceed to outweigh the complexity.
        complexity: What the candidate adds, in the spec's words.
        fragile: Why the candidate is fragile, in sentences: its reruns spread far more than the
            baseline's, or it lies beside a cliff.
        caveats: What the result is conditional on.
        objective_metric: The metric, as in the spec.
        objective_mode: `min` or `max`.
        objective_target: The target, as in the spec; None where the best value ranks the trials.
        open_problems: The checks that found a problem.
        study_variance: How much the best of each arm differs from search to search.
        reruns: Every rerun: its arm, its number, its id, its seed, the division of the data that it
            saw (0 for the usual one), its objective, its best step and how it ended.
        data_variance: Reruns on other divisions of the data, of each arm and the baseline.
        best_of: What smaller budgets would have found in each arm, and what twice the budget would.
        findings: What the checklist found, without the trials of each finding.
    """

    decision: Decision
    reasons: tuple[str, ...]
    answer: Answer
    candidate: Configuration | None
    passed_over: tuple[str, ...]
    gains: Gains | None
    baseline: Configuration | None
    other_arms: tuple[Configuration, ...]
    configurations: EveryConfiguration | None
    what_would_change: tuple[str, ...]
    rivals: tuple[Rival, ...]
    difference: Difference | None
    min_improvement: float
    complexity: str
    fragile: tuple[str, ...]
    caveats: tuple[str, ...]
    objective_metric: str
    objective_mode: str
    objective_target: float | None
    open_problems: tuple[str, ...]
    study_variance: tuple[StudyVariance, ...]
    reruns: tuple[dict[str, Any], ...]
    data_variance: tuple[DataVariance, ...]
    best_of: tuple[BestOf, ...]
    findings: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        return asdict(self, dict_factory=json_object)


def decide(
    study: xr.Dataset,
    reruns: xr.Dataset | None,
    findings: Sequence[Finding],
    *,
    replicates: xr.Dataset | None = None,
    goal: str = "",
    slice_count: int | None = None,
    min_improvement: float = 0.0,
    simple: Mapping[str, Simplicity] | None = None,
    regularized: Collection[str] = (),
    complexity: str = "",
    caveats: Sequence[str] = (),
    decide_incomplete: bool = False,
) -> Launch:
    """Decide whether to adopt the candidate in place of the baseline.

    The study first answers its goal, arm against arm (`analysis.answer`). A study of a single arm
    compares its configurations instead, where several were trained with enough seeds. The candidate
    is the best trial of the simplest arm that its reruns do not show to be worse than another one;
    where no arm is simpler than another, of the arm with the best search objective (`choice`).
    The best reruns alone never make an arm the candidate: choosing the luckiest of several would
    bias the result. But where the reruns speak against a simpler arm they had a part in the choice,
    so the lower bound below is one of 97.5 %.

    Where every configuration of another tool's trials has enough seeds, the means of all their
    seeds choose among them instead, and the lower bound below has an error of 5 % divided by the
    number of configurations (`Evidence.confidence`).

    - *Reject* when the mean of the candidate's reruns is not better than the baseline's by more
      than `min_improvement`: the reruns do not favour it, and the incumbent stays. Also when the
      candidate is the baseline, when no trial is feasible, and when at least half of the
      candidate's reruns are infeasible.
    - *Adopt* when the lower 95 % bound (one-sided) of the improvement exceeds `min_improvement`
      and there is no objection. Where the feasible reruns of both have the same seeds they are
      compared seed by seed. Reruns that this project trains never have, because a seed depends on
      the hyperparameters; those of another tool may.
    - *Provisional* otherwise: with fewer than five feasible reruns of either (the variance is not
      known), without a baseline, with a check that found a problem, with an infeasible rerun of
      the candidate, or when no rerun differs from its siblings, which leaves no variance to judge
      by.

    - *Undecided* when trials of the study have no result and `decide_incomplete` is false: they may
      decide which configuration is the best, and trials that fail for lack of memory or time are
      no random sample.

    If there is no true difference, at most 5 % of candidates are adopted; with a difference of two
    standard deviations and five reruns of each, at least 80 % are.

    Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
    configuration".

    Args:
        study: The study.
        reruns: Reruns of the best trial of each arm and of the baseline; None where there are none.
        findings: What the checklist found.
        replicates: The trials of repeats of the whole search; None where there are none. They are
            evidence of study variance, not candidates.
        goal: The goal, as in the spec.
        slice_count: Into how many slices to divide a sampled range; None for as many as the number
            of trials allows.
        min_improvement: What an improvement must exceed to outweigh the complexity it brings.
        simple: How simple each arm is; empty where that is not known.
        regularized: The arms that add a regularization to the others. Overfitting of those others
            is what the study is about, so it is no objection.
        complexity: What the candidate adds, in words.
        caveats: What the result is conditional on, in sentences.
        decide_incomplete: Whether to decide although some trials have no result; the caveats then
            say so.
    """
    reruns = every_seed(study, reruns)
    variances = {row.arm: row for row in trial_variance(study, reruns)}
    configurations = {arm: _configuration(row, study, reruns) for arm, row in variances.items()}
    rerun = [row for arm, row in variances.items() if arm != BASELINE]
    compared = compare_all(study, rerun, float(min_improvement))
    among = chosen_among(reruns)
    by_best = arms_by_best(study) if among == 1 else _arms_by_mean(rerun, direction(study))
    choice = choose(compared.reruns, compared.arms, simple or {}, by_best)
    chosen = choice.arm
    problems = [finding for finding in findings if finding.answer == "problem"]
    evidence = Evidence(
        candidate=None if chosen is None else variances[chosen],
        baseline=variances.get(BASELINE),
        same=chosen is not None and _same(configurations[chosen], configurations.get(BASELINE)),
        sign=-direction(study),
        problems=tuple(
            finding.check
            for finding in problems
            if not is_the_question(finding, chosen, regularized)
        ),
        min_improvement=float(min_improvement),
        passed_over=choice.passed_over,
        broken_baseline=hardly_better_than_chance(
            _levels_of_the_baseline(study, reruns, variances.get(BASELINE)),
            findings,
            -metric_direction(study),
        ),
        chosen_among=among,
    )
    decision, reasons = judge(evidence)
    made_of = None
    if chosen is not None and not evidence.same and BASELINE in configurations:
        made_of = gains(
            chosen,
            variances,
            compared.arms.pairs,
            arm_settings(study),
            configurations[BASELINE].hyperparameters,
            sign=evidence.sign,
        )
    reasons += [made_of.sentence] if made_of else []
    reasons += choice.reasons
    searches, splits = study_variance(study, replicates, reruns), data_variance(study, reruns)
    fragile = fragility(evidence.candidate, variances.get(BASELINE), _cliffs(study, evidence))
    reasons += fragile
    rivals = find_rivals(evidence.candidate, variances, compared.arms.pairs, sign=evidence.sign)
    reasons += what_rivals_show(rivals)
    counted = target(study) is not None
    reasons += what_the_searches_show(searches, chosen, direction(study), counted=counted)
    reasons += what_the_splits_show(splits, chosen, -direction(study))
    of_arms = {arm: item.hyperparameters for arm, item in configurations.items()}
    cautions_found = cautions(evidence.candidate, variances, reruns, of_arms, sign=evidence.sign)
    caveats = [*caveats, *cautions_found]
    missing = _what_is_missing(study)
    if missing and decide_incomplete:
        caveats = [*caveats, f"{missing} The decision was asked for without them."]
    elif missing:
        decision, reasons = "undecided", [missing, NOT_ON_A_PART]
    everything = every_configuration(study, reruns, margin=evidence.min_improvement)
    answered = answer(study, rerun, compared, sampled_values(study, slice_count), goal=goal)
    answered = answer_by(answered, everything)
    return Launch(
        decision=decision,
        reasons=tuple(reasons),
        answer=answered,
        candidate=None if chosen is None else configurations[chosen],
        passed_over=choice.passed_over,
        gains=made_of,
        baseline=configurations.get(BASELINE),
        other_arms=tuple(
            configuration
            for arm, configuration in configurations.items()
            if arm not in (chosen, BASELINE)
        ),
        configurations=everything,
        what_would_change=what_would_change(decision, evidence, answered.questions),
        difference=evidence.difference,
        rivals=rivals,
        min_improvement=evidence.min_improvement,
        complexity=complexity,
        fragile=fragile,
        caveats=tuple(caveats),
        objective_metric=str(study.attrs["objective_metric"]),
        objective_mode=str(study.attrs["objective_mode"]),
        objective_target=target(study),
        open_problems=evidence.problems,
        study_variance=searches,
        reruns=_every_rerun(reruns),
        data_variance=splits,
        best_of=best_of(study),
        findings=tuple(
            {key: value for key, value in finding.to_json().items() if key != "trials"}
            for finding in findings
        ),
    )


def _cliffs(study: xr.Dataset, evidence: Evidence) -> tuple[Cliff, ...]:
    """Return the cliffs near the candidate."""
    if evidence.candidate is None or not evidence.candidate.trial:
        return ()
    position = int(np.flatnonzero(strings(study, "trial") == evidence.candidate.trial)[0])
    return cliffs(study, position)


def _arms_by_mean(arms: Sequence[TrialVariance], sign: float) -> tuple[str, ...]:
    """Return the arms by the means of their reruns; those with more infeasible ones come later.

    Args:
        arms: The reruns of each.
        sign: 1 where a smaller objective is better, -1 where a larger one is.
    """
    shares = {row.arm: row.infeasible / max(len(row.reruns), 1) for row in arms}
    ranks = {row.arm: (shares[row.arm], sign * row.mean) for row in arms if row.mean is not None}
    # For steps to a target use the median; a rerun that did not reach it counts as the worst.
    ranks |= {
        row.arm: (shares[row.arm], float(np.median(row.comparable)))
        for row in arms
        if row.beyond is not None and row.comparable
    }
    return tuple(sorted(ranks, key=lambda arm: ranks[arm]))


def _levels_of_the_baseline(
    study: xr.Dataset, reruns: xr.Dataset | None, counted: TrialVariance | None
) -> TrialVariance | None:
    """Return the objective of each of the baseline's reruns, whatever ranks the trials."""
    if reruns is None or counted is None or target(study) is None:
        return counted
    usual = on_the_usual_data(reruns, members(reruns, BASELINE))
    values = metric_direction(study) * metric_losses(reruns)[usual]
    return summarise(BASELINE, values.tolist())


def _what_is_missing(study: xr.Dataset) -> str:
    """Say which trials have no result; empty where all have one."""
    if study.attrs.get("complete", 1):
        return ""
    planned, there = int(study.attrs["trials_planned"]), study.sizes["trial"]
    names = str(study.attrs["missing_trials"]).split()
    some = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    named = f" ({some})" if some else ""
    return (
        f"The study is incomplete: {planned - there} of its {planned} trials have no result{named}."
    )


def _every_rerun(reruns: xr.Dataset | None) -> tuple[dict[str, Any], ...]:
    if reruns is None:
        return ()
    wanted = ("arm", "rerun", "trial", "seed", "data_split", "objective", "best_step", "status")
    counted = () if target(reruns) is None else ("censored", "best_value")
    names = [name for name in (*wanted, *counted) if name in reruns]
    columns = [reruns[name].values for name in names]
    return tuple(
        {name: plain(value) for name, value in zip(names, values, strict=True)}
        for values in zip(*columns, strict=True)
    )


def _configuration(
    row: TrialVariance, study: xr.Dataset, reruns: xr.Dataset | None
) -> Configuration:
    """Describe a rerun configuration from the dataset that holds it."""
    hyperparameters: dict[str, Any] = {}
    if row.trial:
        position = int(np.flatnonzero(strings(study, "trial") == row.trial)[0])
        hyperparameters = values_of(study, position)
    elif row.arm == BASELINE and reruns is not None:
        hyperparameters = values_of(reruns, int(members(reruns, BASELINE)[0]))
    return Configuration(
        arm=row.arm,
        trial=row.trial,
        hyperparameters=hyperparameters,
        trials=len(members(study, row.arm)),
        feasible_trials=len(ranked(study, row.arm)),
        search_objective=row.search_objective,
        search_censored=row.trial in trial_ids(study, np.flatnonzero(censored(study))),
        rerun_objectives=row.reruns,
        rerun_censored=row.censored,
        rerun_seeds=row.seeds,
        mean=row.mean,
        low=row.low,
        high=row.high,
        standard_deviation=row.standard_deviation,
        deviation_low=row.deviation_low,
        deviation_high=row.deviation_high,
    )


def _same(new: Configuration, old: Configuration | None) -> bool:
    """Return whether two configurations train the same."""
    if old is None:
        return False
    return not differing(new.hyperparameters, old.hyperparameters)
