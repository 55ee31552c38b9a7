"""The report of a procedure: its conclusion, the plots behind it, and its rounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from tuning_playbook.declarations import target_of
from tuning_playbook.procedures.recipes import RECIPES
from tuning_playbook.report.figures import make_figures
from tuning_playbook.report.formatting import MISSING, number
from tuning_playbook.report.page import render_page
from tuning_playbook.report.probe_table import machine_facts, make_probe_rows
from tuning_playbook.report.size_table import size_rows
from tuning_playbook.study.steps_to import NOT_REACHED

SHOWN = ("learning_rate", "warmup_steps", "clip_norm", "batch_size")
"""The hyperparameters that procedures vary, in the table's order; others follow them."""

SAID = ("candidate", "place")
"""Further columns that some procedures have, after the hyperparameters."""

TAKEN = {"batch_sizes": ("batch_size", "largest"), "batch_scaling": ("batch_size", "fastest")}
"""What a later study may take from a procedure: the key for the value, and the value."""


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
    described = RECIPES[str(dataset.attrs["procedure"])].plots
    figures = [
        replace(figure, title=_title(figure.stem), description=described[figure.stem])
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
    probed = conclusion.get("probes") or []
    varied = _varied(dataset)
    return render_page(
        "procedure.html.j2",
        name=name,
        conclusion=conclusion,
        values=[(key, _value(value)) for key, value in conclusion["values"].items()],
        taken=_taken(conclusion["procedure"], conclusion["values"]),
        figures=figures,
        rounds=rounds,
        varied=[*varied, *(key for key in SAID if key in dataset)],
        trials=[] if probed else _trials(dataset, varied),
        probes=make_probe_rows(dataset) if probed else [],
        machine=machine_facts(probed),
        judged="unstable" in dataset,
        sizes=[] if probed else size_rows(dataset),
        next_study=next_study,
    )


def _title(stem: str) -> str:
    """Return the title of a plot."""
    return stem.replace("_", " ").capitalize()


def _taken(procedure: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key of a later study for a value of a conclusion, and that value's name.

    It is the first value where `TAKEN` names no other one, or that one was not found.
    """
    if procedure in TAKEN and values.get(TAKEN[procedure][1]) is not None:
        return TAKEN[procedure]
    first = next(iter(values))
    return "learning_rate" if first.endswith("_rate") else first, first


def _varied(dataset: xr.Dataset) -> list[str]:
    """Return the names of the hyperparameters in which trials differ.

    What exists only in some trials differs from nothing in the others.
    """
    names = [str(key).removeprefix("hp_") for key in dataset if str(key).startswith("hp_")]
    others = [name for name in names if name not in SHOWN and name == target_of(name)]
    found = []
    for name in (*SHOWN, *others):
        values = dataset[f"hp_{name}"].values.tolist() if name in names else []
        if len({_shown(value) for value in values} - {MISSING}) > 1:
            found.append(name)
    return found


def _shown(value: Any) -> str:
    """Write a value of a hyperparameter."""
    return (value or MISSING) if isinstance(value, str) else number(float(value))


def _trials(dataset: xr.Dataset, varied: list[str]) -> list[dict[str, Any]]:
    """Return the rows of the table of trials."""
    sign = 1.0 if dataset.attrs["mode"] == "min" else -1.0
    columns = [*(f"hp_{name}" for name in varied), *(name for name in SAID if name in dataset)]
    return [
        {
            "round": int(dataset["round"].values[place]),
            "trial": str(trial),
            "values": [_shown(dataset[name].values[place]) for name in columns],
            "objective": NOT_REACHED
            if dataset["censored"].values[place]
            else number(sign * float(dataset["loss"].values[place])),
            **_stability(dataset, place),
        }
        for place, trial in enumerate(dataset["trial"].values)
    ]


def _stability(dataset: xr.Dataset, place: int) -> dict[str, str]:
    """Return the stability of a trial, if the procedure judges it."""
    if "unstable" not in dataset:
        return {}
    return {
        "unstable": "yes" if dataset["unstable"].values[place] else "no",
        "onset": number(float(dataset["onset_step"].values[place])),
    }


def _value(value: Any) -> str:
    return MISSING if value is None else _shown(value)
