"""The spec of the next round, with the finding behind each change."""

import io
import shlex
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import xarray as xr
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.declarations import same
from tuning_playbook.errors import SpecError
from tuning_playbook.procedures.changes import Change, propose, ranges_of
from tuning_playbook.procedures.more_evidence import (
    EVERY,
    TRIALS_WOULD_TELL,
    asking_for_evaluations,
    more_evaluations,
)
from tuning_playbook.procedures.narrowing import narrow
from tuning_playbook.procedures.next_document import Draft, carry_out, reruns_of_next
from tuning_playbook.procedures.next_goal import next_goal
from tuning_playbook.procedures.next_move import Kind as MoveKind
from tuning_playbook.procedures.next_move import Move, closest, next_move
from tuning_playbook.procedures.train_steps import why_no_other_steps
from tuning_playbook.procedures.trainable import Trainable, objection_to, trainable
from tuning_playbook.study import shape
from tuning_playbook.study.distributions import Kind
from tuning_playbook.study.draft import Draft as SpecDraft
from tuning_playbook.study.resolve import resolve
from tuning_playbook.study.study import Study, write_value
from tuning_playbook.study.yaml import Location

WIDTH = 100
"""Most characters of a comment's line."""

FINAL_ACTS = ("test", "final")
"""Keys for acts at the end of all rounds, which the next round leaves out."""

PATHS = ("baseline", "data")
"""Keys of a spec that name other files."""

WITH_CONFIRMED = ("fixed", "scientific", "conditional")
"""The keys that contain a confirmed arm once the spec is read."""

STEPS_CHECKS = ("best_steps", "still_improving")
"""The checks that advise another number of steps."""

KINDS = get_args(Kind)
"""The names of distributions, the keys below the name of a hyperparameter."""

NEXT = {
    "repair": "So the same is asked again, with what the findings ask for.",
    "settle": "This round asks the same with the evidence that it takes.",
    "ask": "This round asks the next question.",
    "cross": "This round crosses the two.",
    "exploit": "This round tunes the best arm in a smaller space.",
    "launch": "This round trains the best configuration on fresh seeds, for the launch.",
}
"""What each kind of round does, in a sentence."""

ATTEMPTS: dict[MoveKind, str] = {
    "repair": "the same question again",
    "settle": "the same question with more evidence",
    "ask": "the next question",
    "cross": "the next question beside the open one",
    "exploit": "the search of the best arm",
    "launch": "the training of the best configuration",
}
"""What each kind of round tries, for a sentence on a move that broke a rule."""


def write_next_study(
    study: Study,
    dataset: xr.Dataset,
    findings: Sequence[Finding],
    launch: Mapping[str, Any],
    *,
    file: Path,
) -> str:
    """Return the spec of the next round: the question that this one leaves, and how to answer it.

    What was decided is fixed, with the study that decided it. Arms that lost are dropped. If the
    question is open, the trials of all arms go to those that may still win. `next_move` has the
    order of the questions. The changes that the findings ask for are made, each with a comment that
    names the finding. A change that would break a rule is left out and mentioned, and so is advice
    that no edit can follow. The points, or the seeds, always differ from this study's. The spec
    reads no test set and trains no final model. Its texts are quoted for YAML and a comment holds
    no line break, so nothing that a user or a workload named can become another key.

    Where nothing is left to ask, it is a comment that says so.

    Source: playbook, "The incremental tuning strategy".

    Args:
        study: The study. If its trials were imported, the spec is one that trains more of them.
        dataset: Its trials.
        findings: What was found in them.
        launch: Its `launch.json`.
        file: The path for the spec, for the command at its top.
    """
    finished = trainable(study, dataset) if study.imported else None
    if finished is None:
        document = _document_of(study)
    else:
        study, document = finished.study, finished.document
    dropped = [key for key in FINAL_ACTS if document.pop(key, None)]
    for key in PATHS:
        if isinstance(document.get(key), str) and (study.path.parent / document[key]).exists():
            document[key] = str(study.path.parent / document[key])
    move = next_move(study, findings, launch)
    if move.kind == "end":
        return _nothing_left(study, launch)
    found = _first_valid(study, dataset, findings, move, document, finished)
    move = found.move
    head = [
        *_comment(f"The next round of the study {study.name}. {move.why} {NEXT[move.kind]}"),
        *_comment(
            "Read it, then give it a name of its own beside the spec:"
            if finished is None
            else "It trains here in the space of the finished trials, as their spec and they "
            "themselves show it. Read it, then give it a name of its own beside the spec:"
        ),
        _command(f"cp {shlex.quote(str(file))} {shlex.quote(str(_named_next(study.path)))}"),
    ]
    for sentence in finished.left if finished else ():
        head += _comment(sentence)
    if dropped:
        head += _comment(f"Left out, as acts for the end of all rounds: {', '.join(dropped)}.")
    for sentence in found.said:
        head += _comment(sentence)
    carried = {*found.carried, *(STEPS_CHECKS if why_no_other_steps(study) else ())}
    carried |= {"importance"} if move.question is not None else set()
    left = {arm.name for arm in move.arms}
    for finding in findings:
        concerned = not finding.arms or left & {*finding.arms}
        # A launch searches nothing, so more trials or evaluations would tell it nothing.
        useful = move.kind != "launch" or finding.answer != "cannot tell"
        if finding.advice and concerned and useful and finding.check not in carried:
            head += _comment(f"For you to judge, of {finding.check}: {finding.advice}")
    document = {"goal": found.goal, **{k: v for k, v in found.document.items() if k != "goal"}}
    referred = _with_origins(document, study, move)
    return "".join(f"{line}\n" for line in head) + _dump(referred, found.reasons)


@dataclass(frozen=True)
class _Found:
    """The spec of the next round before it is written.

    Attributes:
        move: What the round does.
        document: The spec, as YAML gives it.
        goal: Its goal.
        reasons: The reasons for the content of a place, by place.
        carried: The checks behind its changes.
        said: Further sentences for the comment at its top.
        objection: Why it is not a valid spec; empty where it is one.
    """

    move: Move
    document: dict[str, Any]
    goal: str
    reasons: Mapping[Location, Sequence[str]]
    carried: frozenset[str]
    said: tuple[str, ...]
    objection: str


def _first_valid(
    study: Study,
    dataset: xr.Dataset,
    findings: Sequence[Finding],
    move: Move,
    document: dict[str, Any],
    finished: Trainable | None,
) -> _Found:
    """Return a move's spec, or that of the closest move whose spec breaks no rule."""
    refused: list[str] = []
    for tried in (move, *closest(study, move)):
        found = _carried_out(study, dataset, findings, tried, document, finished)
        if not found.objection:
            break
        refused.append(f"Not carried out, {ATTEMPTS[tried.kind]}: {found.objection}")
    else:
        refused[-1] = f"It cannot run as it stands, so correct it first. {found.objection}"
    return replace(found, said=(*refused, *found.said))


def _carried_out(
    study: Study,
    dataset: xr.Dataset,
    findings: Sequence[Finding],
    move: Move,
    document: dict[str, Any],
    finished: Trainable | None,
) -> _Found:
    """Return the spec after the changes that the findings ask for and the move."""
    done: list[Change] = []
    said: list[str] = []
    carried = set()
    for change in _changes(study, dataset, findings, move):
        changed = deepcopy(document)
        for place, value in change.edits:
            _edit(changed, place, value)
        objection = _objection(finished or study, changed)
        if objection:
            said.append(f"Not carried out, of {change.check}: {change.reason} {objection}")
        else:
            document = changed
            done.append(change)
        carried.add(change.check)
    if any(place == EVERY for change in done for place, _ in change.edits):
        carried |= asking_for_evaluations(findings)
    if move.kind in ("repair", "settle", "exploit"):
        carried |= {*TRIALS_WOULD_TELL}
    if move.kind == "settle" and not study.imported:
        seeds = reruns_of_next(study, move)
        said.append(
            f"Cheaper, but with the same points: `reruns: {{seeds: {seeds}}}` in {study.path}, "
            "which keeps its trials and trains the reruns that are missing."
        )
    if why := why_no_other_steps(study):
        said.append(why)
    draft = Draft(deepcopy(document))
    carry_out(draft, study, dataset, findings, move)
    reasons: dict[Location, list[str]] = {}
    for change in done:
        place = _key_of(change.edits[-1][0])
        reasons.setdefault(place, []).append(f"{change.check}: {change.reason}")
    for place, reason in draft.reasons.items():
        reasons.setdefault(place, []).append(f"answer: {reason}")
    goal = next_goal(
        study,
        move,
        steps=draft.document["training"]["max_train_steps"],
        reruns=reruns_of_next(study, move),
        clauses=[change.clause for change in done if change.clause],
    )
    if goal == study.spec.goal:
        goal = f"{goal.rstrip('?. ')}, asked once more with other points?"
    objection = _objection(finished or study, draft.document)
    return _Found(move, draft.document, goal, reasons, frozenset(carried), tuple(said), objection)


def _changes(
    study: Study, dataset: xr.Dataset, findings: Sequence[Finding], move: Move
) -> tuple[Change, ...]:
    """Return the changes of the spec that come before the move itself."""
    if move.kind == "launch":
        return ()
    left = replace(study, arms=move.arms)
    settled = move.kind not in ("ask", "cross")
    found = [*propose(left, dataset, findings, settled=settled)]
    moved = {place for change in found for place, _ in change.edits}
    if move.kind in ("settle", "exploit"):
        found += narrow([*ranges_of(left)], dataset, moved)
    return (*found, *more_evaluations(study, findings))


def _nothing_left(study: Study, launch: Mapping[str, Any]) -> str:
    """Return a comment that there is no next round, with what to do instead."""
    adopt = f"snakemake --cores 1 adopt_baseline --config study={study.path}"
    lines = _comment(
        f"Nothing is left to ask of the study {study.name}: it trained one configuration on fresh "
        f"seeds, and its decision is {launch['decision']}. Begin a further round with a question "
        "of your own."
    )
    if launch["decision"] == "adopt":
        lines += [*_comment("To make its candidate the baseline:"), _command(adopt)]
    return "".join(f"{line}\n" for line in lines)


def _with_origins(document: dict[str, Any], study: Study, move: Move) -> dict[str, Any]:
    """Return a spec in which what a round has decided refers to that round.

    A value that an earlier round decided keeps its reference to that round.
    """
    fixed = dict(document.get("fixed", {}))
    taken = {item.place: item.value for item in study.taken}
    for name, reference in _earlier_decisions(study).items():
        if name in fixed and taken.get(f"fixed.{name}") == write_value(fixed[name]):
            fixed[name] = reference
    if len(move.arms) == 1 and len(study.arms) > 1:
        (arm,) = move.arms
        for name, value in arm.scientific.items():
            if name in fixed and same(document["fixed"][name], value):
                fixed[name] = {"from": str(study.path), "of": "best", "arm": arm.name}
    return {**document, "fixed": fixed} if fixed else document


def _document_of(study: Study) -> dict[str, Any]:
    """Return the spec of a study as YAML gives it, with values in the places of references.

    An arm that it confirmed is among the others.
    """
    spec = study.spec.model_dump(mode="json", exclude_unset=True)
    document: dict[str, Any] = _settled(_load(study.text), spec)
    if document.pop("confirm", None):
        document |= {key: spec[key] for key in WITH_CONFIRMED if key in spec}
    return document


def _earlier_decisions(study: Study) -> dict[str, Any]:
    """Return the references of a spec to what earlier rounds compared."""
    if study.imported:
        return {}
    written_fixed = _load(study.text).get("fixed") or {}
    return {
        name: value
        for name, value in written_fixed.items()
        if _is_reference(value)
        and value.get("arm")
        and name in [part.split("=")[0] for part in value["arm"].split(", ")]
    }


def _named_next(path: Path) -> Path:
    """Return the path of the next round's spec.

    Example:
        >>> [str(_named_next(Path(name))) for name in ("studies/a.yaml", "studies/a_round2.yaml")]
        ['studies/a_round2.yaml', 'studies/a_round3.yaml']
    """
    stem, mark, number = path.stem.rpartition("_round")
    if mark and number.isdecimal():
        return path.with_name(f"{stem}_round{int(number) + 1}.yaml")
    return path.with_name(f"{path.stem}_round2.yaml")


def _load(text: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return document


def _settled(written: Any, taken: Any) -> Any:
    """Return a document with the values from earlier studies in the places of references.

    The last range is the one to widen, and a value is the one that this round had. The baseline
    stays a reference, because a newer incumbent may have replaced it.

    Args:
        written: The document, or a part of it.
        taken: The same part of the spec that was carried out.
    """
    if isinstance(written, dict) and isinstance(taken, dict):
        if "from" in written:
            return taken
        return {key: _settled(value, taken.get(key)) for key, value in written.items()}
    if isinstance(written, list) and isinstance(taken, list):
        return [_settled(*pair) for pair in zip(written, taken, strict=True)]
    return taken if isinstance(written, dict) and taken is not None else written


def _edit(document: dict[str, Any], place: Location, value: Any) -> None:
    """Set a place of a document, or remove it together with what becomes empty."""
    *parents, key = place
    inner: Any = document
    trail = []
    for parent in parents:
        trail.append((inner, parent))
        if isinstance(inner, dict) and parent not in inner:
            if value is None:
                return
            inner[parent] = {}
        inner = inner[parent]
    if value is not None:
        inner[key] = value
    elif isinstance(inner, dict) and key in inner:
        del inner[key]
        if not inner:
            above, name = trail[-1]
            del above[name]


def _objection(study: Study | Trainable, document: Mapping[str, Any]) -> str:
    """Return why a document is no valid spec of this study's workload; empty where it is one."""
    try:
        if isinstance(study, Trainable):
            broken = objection_to(study, document)
            return f"The spec would break a rule: {broken}" if broken else ""
        settled = {key: value for key, value in document.items() if not _is_reference(value)}
        spec = shape.StudySpec.model_validate(settled)
        resolve(SpecDraft(study.path, spec, study.text, study.workload))
    except SpecError as error:
        return f"The spec would break a rule: {error}"
    except ValidationError as error:
        return f"The spec would have a wrong value: {error.errors()[0]['msg']}"
    return ""


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and "from" in value


def _comment(text: str) -> list[str]:
    """Return a text as comment lines, whatever characters it has."""
    lines, line = [], "#"
    for word in _words(text):
        if len(line) + len(word) >= WIDTH and line.strip("# "):
            lines.append(line)
            line = "#  "
        line += f" {word}"
    return [*lines, line]


def _command(text: str) -> str:
    """Return a command as a comment on one line, however long it is."""
    return f"#   {' '.join(_words(text))}"


def _words(text: str) -> list[str]:
    """Return the words of a text without unprintable characters, line breaks included."""
    return "".join(c if c.isprintable() else " " for c in text).split()


def _dump(document: dict[str, Any], reasons: Mapping[Location, Sequence[str]]) -> str:
    """Return a document as YAML in blocks, with the reasons for a place before its key.

    What holds in all remaining arms may have moved out of its condition; then the key with its name
    gets the reasons. A removed place needs none.
    """
    root = _blocks(document)
    for place, said in reasons.items():
        found = next((p for p in (place, place[-2:]) if _is_there(root, p)), None)
        if found is None:
            continue
        *parents, key = found
        inner: Any = root
        for parent in parents:
            inner = inner[parent]
        lines = [line.removeprefix("# ") for text in said for line in _comment(text)]
        inner.yaml_set_comment_before_after_key(
            key, before="\n".join(lines), indent=2 * len(parents)
        )
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 10**6
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(root, text)
    return text.getvalue()


def _is_there(root: Any, place: Location) -> bool:
    inner = root
    for key in place:
        if isinstance(key, int):
            if not isinstance(inner, list) or key >= len(inner):
                return False
        elif not isinstance(inner, dict) or key not in inner:
            return False
        inner = inner[key]
    return True


def _key_of(place: Location) -> Location:
    """Return the key of the hyperparameter or setting that a place belongs to."""
    if isinstance(place[-1], int):
        return place[:-2]
    return place[:-1] if place[-1] in KINDS else place


def _blocks(value: Any) -> Any:
    """Return mappings as blocks, and lists of plain values on one line."""
    if isinstance(value, dict):
        return CommentedMap((key, _blocks(item)) for key, item in value.items())
    if isinstance(value, list):
        listed = CommentedSeq(_blocks(item) for item in value)
        if not any(isinstance(item, dict) for item in value):
            listed.fa.set_flow_style()
        return listed
    return value
