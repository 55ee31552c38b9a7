"""The first screen of a report: the answer, the decision, and what to do now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.analysis.numbers import interval, probability, told
from tuning_playbook.report.card import StudyCard
from tuning_playbook.report.checklist_section import ChecklistItem

ATTENTION = ("problem", "warning")

PAIRS_SHOWN = 45
"""Most pairs that are shown: all of ten arms. launch.json has the others."""


@dataclass(frozen=True)
class PairRow:
    """Two values of a hyperparameter, two arms or two other configurations, by their reruns.

    Attributes:
        arm: The better on average.
        other: The other one.
        difference: By how much.
        interval: Its interval, which holds for all pairs of the table together.
        p: The p-value, likewise.
        shown: Whether the difference is shown.
    """

    arm: str
    other: str
    difference: str
    interval: str
    p: str
    shown: bool


@dataclass(frozen=True)
class QuestionRow:
    """What the study says about one of its questions.

    Attributes:
        about: The hyperparameter; all arms together.
        verdict: As in launch.json.
        best: What is not shown to be worse.
        sentence: The same in words.
        pairs: Every pair, the clearest first.
        more_pairs: How many pairs are left out.
    """

    about: str
    verdict: str
    best: tuple[str, ...]
    sentence: str
    pairs: tuple[PairRow, ...]
    more_pairs: int


@dataclass(frozen=True)
class Place:
    """A file that a reader may look for: what it is, and its path from the report's folder."""

    what: str
    path: str


def make_questions(launch: Mapping[str, Any]) -> tuple[QuestionRow, ...]:
    """List the questions of a study, and the one about all arms together if it is another."""
    questions = launch["answer"]["questions"]
    of_values = [item for item in questions if item["hyperparameter"] is not None]
    listed = of_values if len(of_values) == 1 else questions
    return tuple(_question_row(item) for item in listed)


def _question_row(item: Mapping[str, Any]) -> QuestionRow:
    return QuestionRow(
        about=item["hyperparameter"] or "all arms together",
        verdict=item["verdict"],
        best=tuple(item["best"]),
        sentence=item["sentence"],
        pairs=make_pairs(item["pairs"]),
        more_pairs=max(0, len(item["pairs"]) - PAIRS_SHOWN),
    )


def make_pairs(pairs: Sequence[Mapping[str, Any]]) -> tuple[PairRow, ...]:
    """List the clearest pairs, at most the number that is shown."""
    return tuple(
        PairRow(
            arm=pair["arm"],
            other=pair["other"],
            difference=told(pair["difference"], (pair["high"] - pair["low"]) / 2),
            interval=interval(pair["low"], pair["high"]),
            p=probability(pair["p"]),
            shown=pair["low"] > 0,
        )
        for pair in sorted(pairs, key=lambda pair: pair["p"])[:PAIRS_SHOWN]
    )


def attention(checklist: Sequence[ChecklistItem]) -> tuple[ChecklistItem, ...]:
    """Return the findings that ask for attention, problems first."""
    return tuple(item for grade in ATTENTION for item in checklist if item.answer == grade)


def what_to_do(card: StudyCard, launch: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what a reader may do now: what it is, and the command for it."""
    steps = []
    if launch["decision"] == "adopt" and card.adopt_command:
        steps.append(("Make the candidate the baseline of its workload:", card.adopt_command))
    if launch["decision"] == "undecided":
        (_, whole), *_ = card.commands
        steps.append(("Train the trials that have no result, and decide:", whole))
    if card.next_command:
        steps.append(("Go on with the next round: read its spec, and run it.", card.next_command))
    return tuple(steps)


def make_places(card: StudyCard, launch: Mapping[str, Any]) -> tuple[Place, ...]:
    """List the files of the candidate's model and its measurements; none for imported trials.

    Some need an optional method of the workload.
    """
    candidate = launch.get("candidate")
    if not candidate or card.imported:
        return ()
    folder = f"trials/{candidate['trial']}"
    if card.of_command:
        return (
            Place("what the candidate's script saved", f"{folder}/script/"),
            Place("what it printed", f"{folder}/output.log"),
        )
    return (
        Place("the exported model of each arm: trial, path and hash", "models.json"),
        Place("the candidate's exported model", f"{folder}/checkpoints/model.jax_export"),
        Place("the candidate's best checkpoints", f"{folder}/checkpoints/best/"),
        Place(
            "the right answers of each class, and whole-split metrics, of its best checkpoint",
            f"{folder}/best-*.json",
        ),
        Place("what it predicts for validation examples", f"{folder}/predictions-*.npz"),
    )
