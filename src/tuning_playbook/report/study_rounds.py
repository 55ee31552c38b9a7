"""The studies of each workload, round by round, in the order in which something was learnt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tuning_playbook.study.planned_round import ROUND, round_name

Row = Mapping[str, Any]
"""The summary of a study, from `tracking.summary_row`."""


@dataclass(frozen=True)
class Round:
    """One study.

    Attributes:
        number: Among those of its workload, from 1.
        row: Its summary.
        link: Where its report is, from the page of all studies.
        builds_on: The studies that it takes values from, each with a link; an empty one where that
            study has no report here.
    """

    number: int
    row: Row
    link: str
    builds_on: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WorkloadHistory:
    """The rounds of one workload, in order."""

    workload: str
    rounds: tuple[Round, ...]


def make_history(
    rows: Sequence[Row], procedures: Iterable[str] = ()
) -> tuple[WorkloadHistory, ...]:
    """Sort studies into rounds, and the rounds by workload.

    A study comes after those that it takes values from, and else when its last trial was finished.
    Nobody knows when another tool's trials were: these come first, as what was known before.

    Args:
        rows: A summary of each study.
        procedures: The names of the procedures that have a report.
    """
    links = {name: link_to(name) for name in (*procedures, *(str(row["study"]) for row in rows))}
    by_workload: dict[str, list[Round]] = {}
    for row in _in_order(rows):
        earlier = by_workload.setdefault(str(row["workload"]), [])
        builds_on = tuple((name, links.get(name, "")) for name in _earlier(row))
        earlier.append(Round(len(earlier) + 1, row, links[str(row["study"])], builds_on))
    return tuple(
        WorkloadHistory(workload, tuple(rounds)) for workload, rounds in sorted(by_workload.items())
    )


def _in_order(rows: Sequence[Row]) -> list[Row]:
    waiting = sorted(rows, key=lambda row: (row.get("finished") or "", str(row["study"])))
    ordered: list[Row] = []
    while waiting:
        names = {row["study"] for row in waiting}
        # Were two studies to take values from each other, the first to finish comes first.
        ready = [row for row in waiting if not names & set(_earlier(row))]
        ordered.append(ready[0] if ready else waiting[0])
        waiting.remove(ordered[-1])
    return ordered


def _earlier(row: Row) -> list[str]:
    """Return the studies that a study takes values from; a row of an earlier version has none."""
    return [name for name in row.get("builds_on") or () if name != row["study"]]


def link_to(study: str) -> str:
    """Return the link from the page of all studies to a report."""
    round_ = ROUND.fullmatch(study)  # only the name of a round has slashes of its own
    folder = round_name(quote(round_[1], safe=""), int(round_[2])) if round_ else ""
    return f"./{folder or quote(study, safe='')}/report.html"
