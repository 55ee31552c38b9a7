"""What an expert would do after a round: the kind of the next one, its arms, and why.

Source: playbook, "The incremental tuning strategy" and "After exploration concludes".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.procedures.standing import Standing, standing
from tuning_playbook.study.searches import BayesianSearch
from tuning_playbook.study.shape import NextQuestion
from tuning_playbook.study.study import Arm, Study
from tuning_playbook.study.values import DistributionShape

Kind = Literal["repair", "settle", "ask", "cross", "exploit", "launch", "end"]

MOST_CROSSED = 6
"""Most arms of a crossed design: with more, crossing an open question costs too much."""


@dataclass(frozen=True)
class Move:
    """What the next round does.

    Attributes:
        kind: `repair`: the same question where the search was cut short, or nothing trained;
            `settle`: the same question with the evidence that it lacks; `ask`: the next question
            of the spec; `cross`: the next question crossed with the open one; `exploit`: the best
            arm's nuisance hyperparameters, in a smaller space; `launch`: the best configuration on
            fresh seeds; `end`: nothing is left.
        arms: The arms that go on.
        why: The reasons, in sentences.
        stands: The standing of the arms of this round.
        question: The next question of the spec, where it is asked.
    """

    kind: Kind
    arms: tuple[Arm, ...]
    why: str
    stands: Standing
    question: NextQuestion | None = None


def next_move(study: Study, findings: Sequence[Finding], launch: Mapping[str, Any]) -> Move:
    """Return what the next round does.

    - The same question is asked again, of the arms that may still win, until a trial is feasible
      and beats chance, while the study is incomplete, and where an arm lost with its best trials at
      the edge of a range, because the edge may be the reason.
    - The next question of the spec is asked as soon as this one is answered. If this one is open,
      the two are crossed: that answers both, and shows whether they interact.
    - An open question that a few reruns would settle is settled. Otherwise it is left open, and the
      simpler arm goes on.
    - Then the best arm is tuned in a smaller space (a Bayesian search), unless nothing that was
      searched matters. Then the best configuration is trained on fresh seeds, which neither search
      has chosen.

    Args:
        study: The study.
        findings: What the checklist found.
        launch: Its `launch.json`.
    """
    stands = standing(study, findings, launch)
    repair = _repair(study, stands, findings, launch)
    if repair is not None:
        return repair
    assert stands.winner is not None  # else it would be a repair
    if study.spec.next_questions:
        return _ask(study.spec.next_questions[0], stands)
    if stands.reruns is not None:
        return Move("settle", stands.kept, stands.sentence, stands)
    return _close(study, stands.winner, findings, stands)


def closest(study: Study, move: Move) -> tuple[Move, ...]:
    """Return the moves to try instead where the spec of a move breaks a rule, the closest first.

    A question that cannot be crossed with an open one is asked alone. The last one is this round's
    question, with all its arms.

    Args:
        study: The study.
        move: The move of its next round.
    """
    stands = move.stands
    found = []
    if move.kind == "cross" and stands.winner is not None:
        why = f"{stands.sentence}{_goes_on(stands)}"
        found.append(replace(move, kind="ask", arms=(stands.winner,), why=why))
    if move.kind != "repair":
        broken = "The spec of the round that would follow breaks a rule."
        why = f"{stands.sentence} {broken}".lstrip()
        found.append(replace(move, kind="repair", arms=study.arms, why=why, question=None))
    return tuple(found)


def _repair(
    study: Study, stands: Standing, findings: Sequence[Finding], launch: Mapping[str, Any]
) -> Move | None:
    """Return the same question again where its answer cannot be trusted; else None."""
    if launch["decision"] == "undecided":
        why = "Trials of this round have no result, so its question is still open."
        return Move("repair", study.arms, why, stands)
    if stands.winner is None:
        return Move("repair", study.arms, "No trial of this round is feasible.", stands)
    if any(item.check == "beats_chance" and _is_about(item, stands.winner) for item in findings):
        why = f"Even the best trial of {stands.winner.name} hardly beats chance."
        return Move("repair", study.arms, why, stands)
    if stands.untrusted:
        names = [arm.name for arm in stands.untrusted]
        why = (
            f"The best trials of {'; '.join(names)} lie at the edge of what was searched, and it "
            f"may have lost for that."
        )
        return Move("repair", (*stands.kept, *stands.untrusted), why, stands)
    return None


def _ask(question: NextQuestion, stands: Standing) -> Move:
    """Return the next question, crossed with this one if that is still open."""
    assert stands.winner is not None
    crossed = len(stands.kept) * _values(question)
    if stands.reruns is not None and 1 < crossed <= MOST_CROSSED:
        why = f"{stands.sentence} That is still open, and answered beside the next question."
        return Move("cross", stands.kept, why.lstrip(), stands, question)
    return Move("ask", (stands.winner,), f"{stands.sentence}{_goes_on(stands)}", stands, question)


def _close(study: Study, winner: Arm, findings: Sequence[Finding], stands: Standing) -> Move:
    """Return what to do with the best arm once every question is answered."""
    why = f"{stands.sentence}{_goes_on(stands)}"
    if not winner.dimensions and len(study.arms) == 1:
        return Move("end", (winner,), "Nothing is left to ask.", stands)
    drawn = winner.dimensions and all(item.distribution for item in winner.dimensions)
    exploited = isinstance(study.spec.search, BayesianSearch) and len(study.arms) == 1
    flat = any(item.check == "nothing_matters" and item.answer == "warning" for item in findings)
    at_an_edge = any(item.check == "boundary" and item.answer == "problem" for item in findings)
    if flat:
        said = "What was searched explains nothing beyond what training again differs by."
        return Move("launch", (winner,), f"{why} {said}".lstrip(), stands)
    if drawn and not exploited:
        return Move("exploit", (winner,), why, stands)
    if drawn and at_an_edge:
        edge = "The best trials lie at the edge of what was searched."
        return Move("exploit", (winner,), edge, stands)
    nothing = "Nothing is left to ask of this search."
    return Move("launch", (winner,), f"{why} {nothing}".lstrip(), stands)


def _is_about(finding: Finding, arm: Arm) -> bool:
    """Whether a finding that is not well is about an arm."""
    return finding.answer in ("problem", "warning") and arm.name in finding.arms


def _goes_on(stands: Standing) -> str:
    """Say which arm goes on if the answer alone does not."""
    if len(stands.kept) < 2 or stands.winner is None:
        return ""
    if stands.reruns is not None:
        return f" {stands.winner.name} goes on, although more reruns might show otherwise."
    return f" A few more reruns would not settle that, so {stands.winner.name} goes on."


def _values(question: NextQuestion) -> int:
    """Return how many arms a question makes; 0 where it samples a range."""
    count = 1
    for given in question.scientific.values():
        if isinstance(given, DistributionShape):
            return 0
        count *= len(given)
    return count
