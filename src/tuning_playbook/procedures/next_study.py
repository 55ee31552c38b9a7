"""Write the spec of the next round, with the finding behind each change."""

import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import xarray as xr
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tuning_playbook.analysis.findings import Finding
from tuning_playbook.errors import SpecError
from tuning_playbook.procedures.changes import Change, propose
from tuning_playbook.procedures.trainable import Trainable, objection_to, trainable
from tuning_playbook.study import shape
from tuning_playbook.study.draft import Draft
from tuning_playbook.study.resolve import resolve
from tuning_playbook.study.study import Study
from tuning_playbook.study.yaml import Location

WIDTH = 100
"""Letters of a comment's line."""

FINAL_ACTS = ("test", "final")
"""What belongs to the end of all rounds, not to the next."""

PATHS = ("baseline", "data")
"""What a spec may name beside itself."""


def write_next_study(
    study: Study, dataset: xr.Dataset, findings: Sequence[Finding], *, file: Path
) -> str:
    """Return the spec of the next round: that of this one with what its findings ask for.

    Each change has a comment that names the finding. A change after which the spec would break a
    rule is left out and said; so is the advice that no edit can carry out. Beyond that the spec is
    as the user wrote it, without its comments, and without reading the test set or training a
    final model. Its texts are quoted as YAML needs it, and a comment holds no line break, so
    nothing that a user or a workload named can become another key.

    Args:
        study: The study. Where its trials were finished before, the spec is one that trains more.
        dataset: Its trials.
        findings: What was found of them.
        file: Where the spec is to stand, for the command in its head.
    """
    finished = trainable(study, dataset) if study.imported else None
    if finished is None:
        document = _settled(_load(study.text), study.spec.model_dump(exclude_unset=True))
    else:
        study, document = finished.study, finished.document
    dropped = [key for key in FINAL_ACTS if document.pop(key, None)]
    for key in PATHS:
        if isinstance(document.get(key), str) and (study.path.parent / document[key]).exists():
            document[key] = str(study.path.parent / document[key])
    done: list[Change] = []
    refused: list[tuple[Change, str]] = []
    for change in propose(study, dataset, findings):
        changed = deepcopy(document)
        for place, value in change.edits:
            _edit(changed, place, value)
        objection = _objection(finished or study, changed)
        if objection:
            refused.append((change, objection))
        else:
            document = changed
            done.append(change)
    carried = {change.check for change in (*done, *(change for change, _ in refused))}
    left = [item for item in findings if item.advice and item.check not in carried]
    head = [
        *_comment(
            f"The next round of the study {study.name}: "
            f"{len(done) or 'no'} change{'' if len(done) == 1 else 's'} that its findings ask for."
        ),
        *_comment(
            "Everything else is as it was. Read it, then give it a name of its own beside the spec:"
            if finished is None
            else "It trains here what the finished trials were searched over, as far as their spec "
            "and they themselves tell. Read it, then give it a name of its own beside the spec:"
        ),
        _command(f"cp {shlex.quote(str(file))} {shlex.quote(str(_named_next(study.path)))}"),
    ]
    for sentence in finished.left if finished else ():
        head += _comment(sentence)
    if dropped:
        head += _comment(f"Left out, as acts for the end of all rounds: {', '.join(dropped)}.")
    for change, objection in refused:
        head += _comment(f"Not carried out, of {change.check}: {change.reason} {objection}")
    for finding in left:
        head += _comment(f"For you to judge, of {finding.check}: {finding.advice}")
    return "".join(f"{line}\n" for line in head) + _dump(document, done)


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
    """Return a document with what was taken from earlier studies in the places of references.

    A range is to be widened where it ended up, and a value is what this round had. The baseline
    stays a reference: what replaced it since then is the incumbent.

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
    """Set a place of a document, or take it away together with what becomes empty by it."""
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
    """Say why a document is no valid spec of this study's workload; nothing where it is one."""
    try:
        if isinstance(study, Trainable):
            broken = objection_to(study, document)
            return f"The spec would break a rule: {broken}" if broken else ""
        settled = {key: value for key, value in document.items() if not _is_reference(value)}
        spec = shape.StudySpec.model_validate(settled)
        resolve(Draft(study.path, spec, study.text, study.workload))
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
    """Return a command as a comment, which stays on one line however long it is."""
    return f"#   {' '.join(_words(text))}"


def _words(text: str) -> list[str]:
    """Return the words of a text without what cannot be printed, line breaks among it."""
    return "".join(c if c.isprintable() else " " for c in text).split()


def _dump(document: dict[str, Any], changes: Iterable[Change]) -> str:
    """Write a document in blocks, with the reason of each change before its key."""
    root = _blocks(document)
    reasons: dict[Location, list[str]] = {}
    for change in changes:
        place = _key_of(change.edits[-1][0])
        reasons.setdefault(place, []).append(f"{change.check}: {change.reason}")
    for (*parents, key), said in reasons.items():
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


def _key_of(place: Location) -> Location:
    """Return the key of the hyperparameter or setting that a place belongs to."""
    return place[:-2] if isinstance(place[-1], int) else place


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
