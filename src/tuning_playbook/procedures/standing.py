"""The standing of the arms of a round: which may be the best, and whether that is settled."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.study.study import LEAST_RERUNS, Arm, Study

MOST_RERUNS = 20
"""Most reruns of an arm to ask for: a difference that needs more is too small to matter."""


@dataclass(frozen=True)
class Standing:
    """The standing of the arms of a round.

    Attributes:
        winner: The arm to go on with if one has to be chosen; None where no trial is feasible.
        kept: The arms that are not shown to be worse than another one, the best mean first.
        untrusted: The arms that lost although their search was cut short, which may be the reason.
        reruns: How many reruns of each kept arm would settle which is the best; None where that is
            settled, or would take more than `MOST_RERUNS`.
        runner_up: The arm with the best mean of reruns beside the winner; None where no other arm
            was rerun.
        sentence: The standing in words.
    """

    winner: Arm | None
    kept: tuple[Arm, ...]
    untrusted: tuple[Arm, ...]
    reruns: int | None
    runner_up: Arm | None
    sentence: str


def standing(study: Study, findings: Sequence[Finding], launch: Mapping[str, Any]) -> Standing:
    """Return the standing of the arms of a study.

    Args:
        study: The study.
        findings: What the checklist found.
        launch: Its `launch.json`.
    """
    arms = {arm.name: arm for arm in study.arms}
    candidate = launch.get("candidate")
    if candidate is None:
        return Standing(None, study.arms, (), None, None, "No trial is feasible.")
    chosen = arms[candidate["arm"]]
    if len(arms) == 1:
        return Standing(chosen, (chosen,), (), None, None, "")
    questions = launch["answer"]["questions"]
    (asked,) = [item for item in questions if item["hyperparameter"] is None]
    same = asked["verdict"] == "practically the same"
    best = [] if same else [arms[name] for name in asked["best"]]
    kept = [chosen] if same else best or list(study.arms)
    winner = chosen if chosen in kept else kept[0]
    untrusted = [arms[name] for name in _cut_short(findings) if arms[name] not in kept]
    needed = _needed_reruns(study, asked, len(kept))
    return Standing(
        winner=winner,
        kept=tuple(kept),
        untrusted=tuple(untrusted),
        reruns=needed,
        runner_up=_runner_up(arms, winner, launch),
        sentence=asked["sentence"],
    )


def _cut_short(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the arms whose best trials may lie outside the searched range."""
    found: list[str] = []
    for finding in findings:
        if finding.check == "boundary" and finding.answer == "problem":
            found += [
                row["arm"]
                for row in finding.numbers.get("hyperparameters", ())
                if row["proposed_range"] and not row["on_the_very_edge"]
            ]
    return tuple(dict.fromkeys(found))


def _needed_reruns(study: Study, asked: Mapping[str, Any], kept: int) -> int | None:
    seeds = study.spec.reruns.seeds
    if kept < 2:
        return None
    if asked["verdict"] == "cannot tell":
        # With enough reruns there is another reason, which more of them would not remove.
        return LEAST_RERUNS if seeds < LEAST_RERUNS else None
    undecided = asked["verdict"] == "no difference shown"
    needed = asked["needed_reruns"] if undecided else 2 * seeds
    return needed if needed is not None and seeds < needed <= MOST_RERUNS else None


def _runner_up(arms: Mapping[str, Arm], winner: Arm, launch: Mapping[str, Any]) -> Arm | None:
    contenders = (launch["candidate"], *launch["other_arms"])
    levels = {row["arm"]: _level(row, launch) for row in contenders}
    means = {
        arm: level
        for arm, level in levels.items()
        if level is not None and arm in arms and arm != winner.name
    }
    return arms[min(means, key=lambda arm: means[arm])] if means else None


def _level(row: Mapping[str, Any], launch: Mapping[str, Any]) -> float | None:
    """Return the average of an arm's reruns, smaller being better; None without feasible ones.

    It is their mean. For steps to a target it is the median, where a rerun that did not reach the
    target is the worst.
    """
    if launch.get("objective_target") is None:
        sign = 1.0 if launch["objective_mode"] == "min" else -1.0
        return None if row["mean"] is None else sign * float(row["mean"])
    pairs = zip(row["rerun_objectives"], row["rerun_censored"], strict=True)
    found = (math.inf if missed else steps for steps, missed in pairs)
    steps = [value for value in found if value is not None]
    return statistics.median_low(steps) if steps else None
