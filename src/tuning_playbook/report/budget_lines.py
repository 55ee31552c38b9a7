"""A study's budget in columns of plain text, for those who are about to run it."""

from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.planning.budget import BudgetRow, budget, read_earlier_trials, total
from tuning_playbook.planning.plan import Plan
from tuning_playbook.report.formatting import duration


def budget_lines(plan: Plan, results: Path) -> list[str]:
    """Return what a study costs, a line for each arm.

    Args:
        plan: The study's.
        results: The folder whose trials tell how long one takes.
    """
    rows = budget(plan, read_earlier_trials(results))
    return ["budget:", *(f"  {line}" for line in _table((*rows, total(rows))))]


def _table(rows: Sequence[BudgetRow]) -> list[str]:
    """Write a budget in columns; its last one only where earlier trials tell a time."""
    cells: list[tuple[str, ...]] = [("arm", "trials", "reruns", "steps", "expected time")]
    cells += [
        (row.arm, f"{row.trials:,}", f"{row.reruns:,}", f"{row.steps:,}", duration(row.seconds))
        for row in rows
    ]
    if all(row.seconds is None for row in rows):
        cells = [row[:-1] for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
