"""The report of a procedure: its conclusion, the plots behind it, and its rounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from tuning_playbook.procedures.recipes import RECIPES
from tuning_playbook.report.figures import make_figures
from tuning_playbook.report.formatting import MISSING, number
from tuning_playbook.report.page import render_page
from tuning_playbook.report.size_table import size_rows
from tuning_playbook.study.steps_to import NOT_REACHED

SHOWN = ("learning_rate", "warmup_steps", "clip_norm", "batch_size")
"""The hyperparameters that procedures vary, in the order of the table."""

TAKEN = {"batch_scaling": ("batch_size", "fastest")}
"""What a later study may take of a procedure: its own key, and the value. Where none stands here
that is a learning rate, and the first value."""


@dataclass(frozen=True)
class RoundRow:
    """A round in the table of rounds.

    Attributes:
        number: Of the round.
        purpose: What the procedure calls it.
        goal: The question that it answers.
        trials: How many it has.
        link: Its report, from that of the procedure.
    """

    number: int
    purpose: str
    goal: str
    trials: int
    link: str


def render_procedure(
    name: str,
    conclusion: Mapping[str, Any],
    dataset: xr.Dataset,
    *,
    plots: Mapping[str, str],
    next_study: str,
) -> str:
    """Write the report of a procedure.

    Args:
        name: The procedure's name, that of its spec.
        conclusion: Its conclusion.json.
        dataset: Its conclusion.nc.
        plots: The text of each SVG, by the stem of its file.
        next_study: Its next_study.yaml.

    Returns:
        The text of one HTML file. It loads nothing, and the same input gives the same text.
    """
    described = RECIPES[conclusion["procedure"]].plots
    figures = [
        replace(figure, title=figure.stem.capitalize(), description=described[figure.stem])
        for figure in make_figures(plots, [])
    ]
    figures.sort(key=lambda figure: list(described).index(figure.stem))
    rounds = [
        RoundRow(
            item["round"],
            item["purpose"],
            item["goal"],
            len(item["trials"]),
            f"rounds/{item['round']}/report.html",
        )
        for item in conclusion["rounds"]
    ]
    varied = [key for key in SHOWN if _varies(dataset, key)]
    return render_page(
        "procedure.html.j2",
        name=name,
        conclusion=conclusion,
        values=[(key, _value(value)) for key, value in conclusion["values"].items()],
        figures=figures,
        rounds=rounds,
        varied=varied,
        trials=_trials(dataset, varied),
        judged="unstable" in dataset,
        taken=TAKEN.get(
            conclusion["procedure"], ("learning_rate", next(iter(conclusion["values"])))
        ),
        sizes=size_rows(dataset),
        next_study=next_study,
    )


def _varies(dataset: xr.Dataset, name: str) -> bool:
    column = f"hp_{name}"
    return column in dataset and len(set(dataset[column].values.tolist())) > 1


def _trials(dataset: xr.Dataset, varied: list[str]) -> list[dict[str, Any]]:
    """Return the rows of the table of trials."""
    sign = 1.0 if dataset.attrs["mode"] == "min" else -1.0
    return [
        {
            "round": int(dataset["round"].values[place]),
            "trial": str(trial),
            "values": [number(float(dataset[f"hp_{name}"].values[place])) for name in varied],
            "objective": NOT_REACHED
            if dataset["censored"].values[place]
            else number(sign * float(dataset["loss"].values[place])),
            **_stability(dataset, place),
        }
        for place, trial in enumerate(dataset["trial"].values)
    ]


def _stability(dataset: xr.Dataset, place: int) -> dict[str, str]:
    """Return what a procedure that judges it says of the stability of a trial."""
    if "unstable" not in dataset:
        return {}
    return {
        "unstable": "yes" if dataset["unstable"].values[place] else "no",
        "onset": number(float(dataset["onset_step"].values[place])),
    }


def _value(value: Any) -> str:
    if value is None:
        return MISSING
    return value if isinstance(value, str) else number(float(value))
