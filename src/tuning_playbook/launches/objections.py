"""Which findings of the checklist are objections to a launch, and which only seem to be."""

from collections.abc import Collection, Sequence

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.analysis.numbers import text, told
from tuning_playbook.analysis.variance import TrialVariance

BEATS_CHANCE = "beats_chance"
"""The check that knows the objective that chance reaches."""

OVERFITTING = "overfitting"
"""The check that does not apply to studies of regularization."""


def hardly_better_than_chance(
    baseline: TrialVariance | None, findings: Sequence[Finding], sign: float
) -> str:
    """Say that the baseline has learnt next to nothing; empty where it has, or it is not known.

    The threshold is that of the check of the arms, see `analysis.initial_configuration`.

    Args:
        baseline: Its reruns.
        findings: What the checklist found.
        sign: 1 where a larger objective is better, -1 where a smaller one is.
    """
    found = next((finding for finding in findings if finding.check == BEATS_CHANCE), None)
    if found is None or baseline is None or baseline.mean is None or "chance" not in found.numbers:
        return ""
    chance = float(found.numbers["chance"])
    gain = sign * (baseline.mean - chance)
    if gain >= float(found.numbers["least_gain"]):
        return ""
    how = "hardly better" if gain >= 0 else "worse"
    return (
        f"The baseline's reruns have a mean of {told(baseline.mean, baseline.error)}, {how} "
        f"than chance ({text(chance)}): an improvement over it says nothing. See that it is "
        "the configuration in use, and that it trains as it should."
    )


def is_the_question(finding: Finding, chosen: str | None, regularized: Collection[str]) -> bool:
    """Return whether a problem is what the study is about: arms without regularization overfit.

    Source: playbook, "Examining the training curves": regularization is not added where the
    scientific hyperparameters are regularization parameters themselves.
    """
    return (
        finding.check == OVERFITTING
        and chosen in regularized
        and bool(finding.arms)
        and not set(finding.arms) & set(regularized)
    )
