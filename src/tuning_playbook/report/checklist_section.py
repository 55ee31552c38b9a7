"""The playbook's checklist as the report shows it: every answer with its advice and its plots."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuning_playbook.report.figures import Figure, supporting_figures
from tuning_playbook.report.formatting import anchor, flatten, text

GRADES = {"problem": "✕", "warning": "!", "cannot tell": "?", "ok": "✓"}
"""The symbol of each answer, the most serious first."""

MOST_TRIALS = 100
"""Most trials that a finding lists. diagnostics.json has the rest."""


@dataclass(frozen=True)
class NumberTable:
    """Records among the numbers of a finding, such as one for each arm.

    Attributes:
        title: What the finding calls them.
        columns: The names of their fields.
        rows: Their values, as texts.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ChecklistItem:
    """One finding.

    Attributes:
        anchor: Its id in the report.
        check: The name of its check.
        question: The question it answers.
        answer: The grade in words.
        symbol: The grade as a sign.
        style: The grade as a style class.
        summary: What was found.
        advice: What to do about it; may be empty.
        section: The playbook's section it comes from; may be empty.
        numbers: The numbers behind it, as labels and texts.
        tables: Those of its numbers that are lists of records.
        trials: The ids of the trials it is about, the first `MOST_TRIALS` of them.
        more_trials: How many others there are.
        figures: The plots that support it.
    """

    anchor: str
    check: str
    question: str
    answer: str
    symbol: str
    style: str
    summary: str
    advice: str
    section: str
    numbers: tuple[tuple[str, str], ...]
    tables: tuple[NumberTable, ...]
    trials: tuple[str, ...]
    more_trials: int
    figures: tuple[Figure, ...]


def make_checklist(
    findings: Sequence[Mapping[str, Any]], figures: Sequence[Figure]
) -> tuple[ChecklistItem, ...]:
    """Return every finding as the report shows it, in the given order."""
    seen: Counter[str] = Counter()
    items = []
    for finding in findings:
        check, answer = str(finding["check"]), str(finding["answer"])
        seen[check] += 1
        suffix = f"-{seen[check]}" if seen[check] > 1 else ""
        numbers = finding.get("numbers") or {}
        facts, tables = _split(numbers)
        trials = tuple(str(trial) for trial in finding.get("trials") or ())
        items.append(
            ChecklistItem(
                anchor=f"{finding_anchor(check)}{suffix}",
                check=check,
                question=str(finding["question"]),
                answer=answer,
                symbol=GRADES[answer],
                style=answer.replace(" ", "-"),
                summary=str(finding["summary"]),
                advice=str(finding.get("advice") or ""),
                section=str(finding.get("section") or ""),
                numbers=facts,
                tables=tables,
                trials=trials[:MOST_TRIALS],
                more_trials=len(trials[MOST_TRIALS:]),
                figures=supporting_figures(finding, figures),
            )
        )
    return tuple(items)


def count_answers(items: Sequence[ChecklistItem]) -> tuple[tuple[str, str, int], ...]:
    """Return the answers that occur, the most serious first: grade, symbol, count."""
    counts = Counter(item.answer for item in items)
    return tuple((grade, sign, counts[grade]) for grade, sign in GRADES.items() if counts[grade])


def finding_anchor(check: str) -> str:
    """Return the id of the first finding of a check."""
    return f"finding-{anchor(check)}"


def _split(
    numbers: Mapping[str, Any],
) -> tuple[tuple[tuple[str, str], ...], tuple[NumberTable, ...]]:
    """Split numbers into lists of records, shown as tables, and all others."""
    records = {
        name: value
        for name, value in numbers.items()
        if isinstance(value, list | tuple) and value and all(isinstance(x, Mapping) for x in value)
    }
    tables = []
    for name, rows in records.items():
        columns = tuple(dict.fromkeys(key for row in rows for key in row))
        cells = tuple(tuple(text(row.get(column)) for column in columns) for row in rows)
        tables.append(NumberTable(name.replace("_", " "), columns, cells))
    others = {name: value for name, value in numbers.items() if name not in records}
    return tuple(flatten(others)) if others else (), tuple(tables)
