"""Whether a candidate is fragile: its reruns spread too far, or it lies beside a cliff.

Source: playbook, "Determining whether to adopt a training pipeline change or hyperparameter
configuration": trial variance is a property of the configuration, and production trains it again.
"""

from collections.abc import Sequence

from scipy import special

from tuning_playbook.analysis.cliff import Cliff
from tuning_playbook.analysis.numbers import probability, text
from tuning_playbook.analysis.variance import TrialVariance

SIGNIFICANCE = 0.02
"""Level of the test for equal spreads. Heavy-tailed reruns fail it a few times more often."""

FAR_MORE = 2.0
"""Least ratio of standard deviations for far more spread; less is the same kind of training."""


def fragility(
    candidate: TrialVariance | None, baseline: TrialVariance | None, cliffs: Sequence[Cliff]
) -> tuple[str, ...]:
    """Return why a candidate is fragile, in sentences; none where nothing shows that it is.

    Its reruns spread far more than the baseline's where their standard deviation is at least twice
    as large and the variance ratio is one that equal variances exceed in 2 % of cases (F test,
    one-sided); or where some reruns fail and none of the baseline's does.

    Args:
        candidate: Its reruns; None where there is no candidate.
        baseline: The baseline's; None where there is none.
        cliffs: The cliffs near the candidate.
    """
    if candidate is None:
        return ()
    sentences = [] if baseline is None else _spread(candidate, baseline)
    sentences += [_beside(cliff) for cliff in cliffs]
    return tuple(f"The candidate is fragile: {sentence}" for sentence in sentences)


def _spread(candidate: TrialVariance, baseline: TrialVariance) -> list[str]:
    if candidate.infeasible and not baseline.infeasible and baseline.comparable:
        count = f"{candidate.infeasible} of its {len(candidate.reruns)} reruns fail"
        return [f"{count}, and none of the baseline's does."]
    mine, theirs = candidate.standard_deviation, baseline.standard_deviation
    if not mine or not theirs or mine < FAR_MORE * theirs:
        return []
    degrees = (len(candidate.feasible) - 1, len(baseline.feasible) - 1)
    p = float(special.fdtrc(*degrees, (mine / theirs) ** 2))
    if p > SIGNIFICANCE:
        return []
    return [
        f"its reruns have a standard deviation of {text(mine)}, and the baseline's one of "
        f"{text(theirs)} ({probability(p)})."
    ]


def _beside(cliff: Cliff) -> str:
    side = "above" if cliff.edge == "high" else "below"
    return (
        f"it lies beside a cliff. Its {cliff.hyperparameter} is {text(cliff.value)}, and from "
        f"{text(cliff.fails_at)} on {side} it {cliff.failing} of {cliff.beyond} trials fail."
    )
