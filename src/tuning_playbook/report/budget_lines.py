"""A study's budget in columns of plain text, shown before it runs."""

from collections.abc import Sequence
from pathlib import Path

from tuning_playbook.planning.budget import (
    BudgetRow,
    budget,
    read_earlier_trials,
    total,
    training_seconds,
)
from tuning_playbook.planning.budget_plan import Budget, BudgetPlan, plan_budget
from tuning_playbook.planning.plan import Plan
from tuning_playbook.planning.time_left import expected_of
from tuning_playbook.report.formatting import duration
from tuning_playbook.study.compared_before import cures, doubts


def budget_lines(plan: Plan, results: Path) -> list[str]:
    """Return what a study costs, a line for each arm.

    Args:
        plan: The study's.
        results: The folder whose trials tell how long one takes.
    """
    earlier = read_earlier_trials(results)
    rows = budget(plan, earlier)
    whole = total(rows)
    lines = ["budget:", *(f"  {line}" for line in _table((*rows, whole)))]
    if whole.seconds is None:
        return lines
    expected = expected_of(plan, earlier, own=False)
    factor = expected.factor(whole.trials + whole.reruns)
    low, high = duration(whole.seconds / factor), duration(whole.seconds * factor)
    return [
        *lines,
        f"  in 9 of 10 cases {low} to {high} in all, one job at a time; known from "
        f"{expected.known:,} trained trial{'' if expected.known == 1 else 's'} of the workload",
    ]


def evaluation_lines(plan: Plan) -> list[str]:
    """Return the cost of evaluating on the whole training split; nothing if the study does not.

    Args:
        plan: The study's.
    """
    study = plan.study
    training, examples = study.spec.training, study.workload.examples
    if training.train_sample != "all" or not examples or not plan.trials:
        return []
    longest = max((item.trial for item in plan.trials), key=lambda trial: trial.max_train_steps)
    dense = longest.dense_until - longest.dense_until // longest.eval_every
    count = 1 + longest.max_train_steps // longest.eval_every + dense
    whole = examples["train"]
    sample = min(training.validation_sample or examples["validation"], whole)
    return [
        f"evaluations: up to {count:,} a trial, each on all {whole:,} training examples in place "
        f"of {sample:,}: {count * whole:,} forward passes beside the "
        f"{longest.max_train_steps * longest.step_examples:,} examples that it trains on"
    ]


def doubt_lines(plan: Plan) -> list[str]:
    """Return the earlier comparisons that a study uses under other conditions, and the remedies.

    Args:
        plan: The study's.
    """
    lines = []
    for doubt in doubts(plan.study):
        lines.append(f"interaction: {doubt.sentence}")
        lines += [f"  {cure}" for cure in cures(plan.study, doubt)]
    return lines


def budget_plan_lines(plan: Plan, given: Budget, results: Path) -> list[str]:
    """Return how the playbook would spend a budget: a line for each arm, then for each change.

    Args:
        plan: The study's.
        given: The budget.
        results: The folder whose trials tell how long one takes.

    Raises:
        BudgetError: Nothing can be planned.
    """
    seconds = training_seconds(plan, read_earlier_trials(results)) if given.timed else None
    made = plan_budget(plan, given, seconds)
    changes = [f"change: {change}" for change in made.changes]
    return [
        f"plan for a budget of {given}:",
        *(f"  {line}" for line in _plan_table(made)),
        *(changes or ["no change: the spec is what the playbook would make of this budget"]),
        *(f"note: {note}" for note in made.notes),
    ]


def _table(rows: Sequence[BudgetRow]) -> list[str]:
    """Write a budget in columns; the last one only if earlier trials give a time."""
    cells: list[tuple[str, ...]] = [("arm", "trials", "reruns", "steps", "expected time")]
    cells += [
        (row.arm, f"{row.trials:,}", f"{row.reruns:,}", f"{row.steps:,}", duration(row.seconds))
        for row in rows
    ]
    if all(row.seconds is None for row in rows):
        cells = [row[:-1] for row in cells]
    return columns(cells, texts=(0,))


def _plan_table(made: BudgetPlan) -> list[str]:
    """Write a plan in columns, with the sum and what is left over."""

    def spent(cost: float) -> str:
        return duration(cost) if made.budget.timed else f"{cost:,.0f}"

    unit = "expected time" if made.budget.timed else "trainings"
    cells = [("arm", "trials", "searched hyperparameters", "reruns", unit)]
    cells += [
        (
            row.arm,
            f"{row.trials:,}",
            ", ".join(row.searched) or "none",
            f"{row.reruns:,}",
            spent(row.cost),
        )
        for row in made.arms
    ]
    trials, reruns = sum(row.trials for row in made.arms), sum(row.reruns for row in made.arms)
    cells += [
        ("in all", f"{trials:,}", "", f"{reruns:,}", spent(made.cost)),
        ("left over", "", "", "", spent(made.left_over)),
    ]
    return columns(cells, texts=(0, 2))


def columns(cells: Sequence[tuple[str, ...]], texts: tuple[int, ...]) -> list[str]:
    """Write rows of cells below each other: texts begin, numbers end where the column does.

    Args:
        cells: The rows.
        texts: The places of the columns that hold text.
    """
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
