"""The design of a study as the report shows it: what each arm cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import xarray as xr

from tuning_playbook.planning.budget import BudgetRow, total
from tuning_playbook.report.formatting import duration, is_missing


@dataclass(frozen=True)
class CostRow:
    """One arm, the baseline or the sum, in the table of costs."""

    arm: str
    trials: str
    reruns: str
    steps: str
    time: str


def make_costs(
    budget: Sequence[BudgetRow],
    datasets: Sequence[xr.Dataset | None],
    resources: xr.Dataset,
) -> tuple[CostRow, ...]:
    """List what each arm cost, and their sum; nothing without a budget.

    Args:
        budget: Trials, reruns and steps of each arm.
        datasets: The trials, each with its arm: the study's, its reruns and so on.
        resources: The time that each of them took.
    """
    seconds: dict[str, float] = {}
    trials = resources["trial"].to_numpy().astype(str).tolist()
    times = resources["wall_seconds"].to_numpy().tolist() if "wall_seconds" in resources else []
    took = dict(zip(trials, times, strict=False))
    for dataset in (item for item in datasets if item is not None):
        arms = dataset["arm"].to_numpy().astype(str).tolist()
        for trial, arm in zip(dataset["trial"].to_numpy().astype(str).tolist(), arms, strict=True):
            if not is_missing(took.get(trial)):
                seconds[arm] = seconds.get(arm, 0.0) + took[trial]
    rows = [replace(row, seconds=seconds.get(row.arm)) for row in budget]
    return tuple(
        CostRow(
            row.arm, f"{row.trials:,}", f"{row.reruns:,}", f"{row.steps:,}", duration(row.seconds)
        )
        for row in (*rows, *([total(rows)] if rows else []))
    )
