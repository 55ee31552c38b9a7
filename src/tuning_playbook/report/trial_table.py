"""The table of all trials, best first."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.analysis.ranking import (
    censored,
    losses,
    metric_direction,
    metric_losses,
    objective_metric,
    objective_split,
)
from tuning_playbook.analysis.trial_values import value_columns
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.report.card import StudyCard
from tuning_playbook.report.curves import Curve, CurveScale, make_curves
from tuning_playbook.report.formatting import anchor, duration, is_missing, memory, number, text
from tuning_playbook.study.steps_to import NOT_REACHED

PER_TRIAL = (
    "trial",
    "index",
    "arm",
    "seed",
    "objective",
    "best_step",
    "status",
    "infeasible_reason",
)
"""The variables of the dataset that a row shows."""


DETAILED = 2000
"""Number of the best trials whose sheets have a curve and all settings. With those of ten thousand
trials, browsers need half a minute to open the page."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table.

    Attributes:
        text: What it shows.
        key: What it sorts by: a number in full, or the text; empty where there is no value.
    """

    text: str
    key: str


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        trial: Its id.
        place: Its place in the study, counted from 1.
        arm: Its arm.
        cells: The values of the varied hyperparameters, in the order of the columns.
        objective: Its objective.
        best_step: The step at which it was reached; of a trial that did not reach the target that
            of its best value.
        status: `completed`, `diverged` or `failed`.
        reason: Why it is infeasible, how it ended early, when it collapsed, or how near it came to
            a target that it did not reach; else empty.
        feasible: Whether it is ranked.
        facts: What else is known of it, as labels and texts; the seed alone beyond `DETAILED`.
        command: The command that trains it again; may be empty.
        curve: Its curve, where the metric's values are known; nothing beyond `DETAILED`.
    """

    trial: str
    place: int
    arm: str
    cells: tuple[Cell, ...]
    objective: Cell
    best_step: Cell
    status: str
    reason: str
    feasible: bool
    facts: tuple[tuple[str, str], ...]
    command: str
    curve: Curve | None

    @property
    def anchor(self) -> str:
        """The row's id in the report."""
        return f"trial-{anchor(self.trial)}"


@dataclass(frozen=True)
class TrialsTable:
    """Every trial of a study, best first, infeasible trials last.

    Attributes:
        columns: The names of the varied hyperparameters.
        numeric: For each of them whether its values are numbers.
        several_arms: Whether the arm is worth a column.
        rows: The trials.
        scale: The scale of the trials' curves, where there are any.
    """

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    several_arms: bool
    rows: tuple[TrialRow, ...]
    scale: CurveScale | None

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.columns) + 5 + self.several_arms

    @property
    def detailed(self) -> int:
        """The number of trials whose sheets have more than a command."""
        return min(len(self.rows), DETAILED)

    @property
    def feasible(self) -> int:
        """The number of feasible trials."""
        return sum(row.feasible for row in self.rows)


def make_trials_table(
    card: StudyCard,
    study: xr.Dataset,
    resources: xr.Dataset,
    fed: Mapping[str, str] = MappingProxyType({}),
) -> TrialsTable:
    """Return the report's table of trials.

    Args:
        card: The study's.
        study: Its dataset.
        resources: Its `resources.nc`.
        fed: What to say of the input of each trial that was fed from the host, by its id.
    """
    columns = tuple(dict.fromkeys(item.name for item in read_searched(study)))
    hyperparameters = value_columns(study)
    varied = (*columns, *_resolved_otherwise(hyperparameters, columns))
    scale, curves = make_curves(study, objective_metric(study), objective_split(study)) or (
        None,
        {},
    )
    used = _resources_by_trial(resources)
    values = {name: study[name].to_numpy().tolist() for name in PER_TRIAL}
    sources, ended = (
        study[name].to_numpy().tolist() if name in study else []
        for name in ("source_trial", "ended_early")
    )

    steps = study["collapse_step"].to_numpy().tolist() if "collapse_step" in study else []
    collapses = [f"collapsed at step {int(n):,}" if math.isfinite(n) else "" for n in steps]
    lengths = study["max_train_steps"].to_numpy().tolist() if "max_train_steps" in study else []
    unequal = len(set(lengths)) > 1
    ranks, missed = losses(study).tolist(), censored(study).tolist()
    levels = (metric_direction(study) * metric_losses(study)).tolist()
    nearest = [
        f"best value {number(level)}" if lost else ""
        for lost, level in zip(missed, levels, strict=True)
    ]

    def make_row(rank: int, position: int) -> TrialRow:
        known = {name: column[position] for name, column in values.items()}
        settings = {name: hyperparameters[name][position] for name in varied}
        trial, objective = str(known["trial"]), float(known["objective"])
        feasible = math.isfinite(ranks[position])
        detailed = rank < DETAILED
        return TrialRow(
            trial=trial,
            place=int(known["index"]) + 1,
            arm=str(known["arm"]),
            cells=tuple(_cell(settings[name]) for name in columns),
            objective=Cell(NOT_REACHED, repr(ranks[position]))
            if missed[position]
            else _cell(objective if feasible else None),
            best_step=_cell(int(known["best_step"]) if feasible else None),
            status=str(known["status"]),
            reason=str(known["infeasible_reason"])
            or "; ".join(
                item[position] for item in (ended, collapses, nearest) if item and item[position]
            ),
            feasible=feasible,
            facts=(
                *((("in its source", str(sources[position])),) if sources else ()),
                ("seed", str(known["seed"])),
                *((("trained for", f"{lengths[position]:,} steps"),) if unequal else ()),
                *(
                    (name, text(value, digits=6))
                    for name, value in settings.items()
                    if detailed and not is_missing(value)
                ),
                *(used.get(trial, ()) if detailed else ()),
                *((("input", fed[trial]),) if detailed and trial in fed else ()),
            ),
            command=card.command_of(trial),
            curve=curves.get(trial) if detailed else None,
        )

    return TrialsTable(
        columns=columns,
        numeric=tuple(all(map(_is_number, hyperparameters[name])) for name in columns),
        several_arms=len(set(values["arm"])) > 1,
        rows=tuple(make_row(*place) for place in enumerate(_best_first(study))),
        scale=scale,
    )


def _resolved_otherwise(
    hyperparameters: Mapping[str, Sequence[Any]], columns: Sequence[str]
) -> tuple[str, ...]:
    """Return the hyperparameters that differ between trials and are not searched."""
    return tuple(
        name
        for name, values in hyperparameters.items()
        if name not in columns and len({repr(value) for value in values}) > 1
    )


def _best_first(study: xr.Dataset) -> list[int]:
    """Order the trials as `analysis.ranking` does; infeasible ones last."""
    cost = losses(study)
    cost = np.where(np.isfinite(cost), cost, np.inf)
    return [
        int(position)
        for position in np.lexsort((study["index"].to_numpy(), study["best_step"].to_numpy(), cost))
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> Cell:
    if is_missing(value):
        return Cell(text(None), "")
    return Cell(text(value), repr(value) if _is_number(value) else text(value))


def _resources_by_trial(resources: xr.Dataset) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the resources that each trial used, as labels and texts."""
    formats: dict[str, tuple[str, Callable[[Any], str]]] = {
        "wall_seconds": ("time", duration),
        "steps_per_second": ("steps per second", number),
        "peak_memory_bytes": ("peak memory", memory),
        "host": ("host", text),
    }
    columns = {name: resources[name].to_numpy().tolist() for name in formats if name in resources}
    return {
        str(trial): tuple(
            (formats[name][0], formats[name][1](values[position]))
            for name, values in columns.items()
            if not is_missing(values[position])
        )
        for position, trial in enumerate(resources["trial"].to_numpy().tolist())
    }
