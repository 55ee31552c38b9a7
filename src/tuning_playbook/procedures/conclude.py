"""The files of a conclusion: its JSON, the numbers behind its plots, and the next spec."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ruamel.yaml import YAML

from tuning_playbook.files import FORMAT
from tuning_playbook.procedures.procedure_history import Conclusion, History, Outcome
from tuning_playbook.study.planned_round import round_name
from tuning_playbook.study.procedure_settings import recipe_name


def conclusion_json(name: str, history: History, conclusion: Conclusion) -> dict[str, Any]:
    """Return the content of conclusion.json.

    Args:
        name: The procedure's name, that of its spec.
        history: All its rounds.
        conclusion: Its conclusion.
    """
    rounds = [
        {
            "round": number,
            "study": round_name(name, number),
            "purpose": item.purpose,
            "goal": item.document["goal"],
            "trials": [outcome.trial for outcome in item.outcomes],
        }
        for number, item in enumerate(history.rounds, 1)
    ]
    return {
        "procedure": history.settings.name,
        "settings": history.settings.model_dump(mode="json", by_alias=True),
        "workload": history.document["workload"],
        "goal": history.document["goal"],
        "verdict": conclusion.verdict,
        "values": dict(conclusion.values),
        "sentence": conclusion.sentence,
        "advice": conclusion.advice,
        "listed": {title: dict(items) for title, items in conclusion.listed.items()},
        "rounds": rounds,
        "probes": [probe.to_json() for probe in history.probes],
    }


def conclusion_dataset(history: History, conclusion: Conclusion) -> xr.Dataset:
    """Return the trials of all rounds, with the columns of the conclusion.

    Returns:
        Dimensions `trial`, `window`, `norm_bin`. `round`, `purpose`, `loss` (the objective, smaller
        being better), `censored` (1 where the target was not reached; then `loss` only ranks it),
        `hp_<name>` of every number, and of every choice that differs, what the procedure adds:
        [trial]. `step` and `train_loss`, `grad_norm`: [trial, window], NaN after the end of a
        trial. `norm_count`, the steps by the lower edge of the bin that their gradient norm is in:
        [trial, norm_bin]. The tables of the conclusion have dimensions of their own; its numbers
        are attributes.
    """
    rows = [
        (number, item.purpose, outcome)
        for number, item in enumerate(history.rounds, 1)
        for outcome in item.outcomes
    ]
    windows = max((len(outcome.steps) for *_, outcome in rows), default=0)
    names = sorted({n for *_, o in rows for n, v in o.values.items() if math.isfinite(_number(v))})
    data: dict[str, tuple[Sequence[str], Any]] = {
        "round": (["trial"], np.array([number for number, *_ in rows], np.int64)),
        "purpose": (["trial"], np.array([purpose for _, purpose, _ in rows], object)),
        "loss": (["trial"], np.array([_known(o.loss) for *_, o in rows])),
        "censored": (["trial"], np.array([int(o.censored) for *_, o in rows], np.int64)),
        "step": (["trial", "window"], _padded([o.steps for *_, o in rows], windows)),
        "train_loss": (["trial", "window"], _padded([o.train_losses for *_, o in rows], windows)),
        "grad_norm": (["trial", "window"], _padded([o.norms for *_, o in rows], windows)),
    }
    for name in names:
        data[f"hp_{name}"] = (["trial"], np.array([_number(o.values.get(name)) for *_, o in rows]))
    for name in _differing_choices([outcome for *_, outcome in rows]):
        written = [str(o.values.get(name, "")) for *_, o in rows]
        data[f"hp_{name}"] = (["trial"], np.array(written, object))
    for name, column in conclusion.columns.items():
        data[name] = (["trial"], np.array(column))
    for dimension, table in conclusion.tables.items():
        data |= {name: ([dimension], np.array(column)) for name, column in table.items()}
    bins = next((o.norm_bins for *_, o in rows if o.norm_bins), ())
    counts = [o.norm_counts if o.norm_bins == bins else () for *_, o in rows]
    data["norm_count"] = (["trial", "norm_bin"], np.nan_to_num(_padded(counts, len(bins))))
    ids = np.array([outcome.trial for *_, outcome in rows], object)
    attributes = {
        "format": FORMAT,
        "procedure": recipe_name(history.settings),
        **_objective(history.document["objective"]),
        "max_train_steps": history.max_train_steps,
        "eval_every": int(history.document["training"]["eval_every"]),
        **{name: float(value) for name, value in conclusion.numbers.items()},
    }
    return xr.Dataset(data, coords={"trial": ids, "norm_bin": np.array(bins)}, attrs=attributes)


def next_study_yaml(spec: Path, name: str, conclusion: Conclusion) -> str:
    """Return the next spec of a conclusion, with its sentence and advice as comments at the top.

    Args:
        spec: The procedure's spec; relative paths in it are rewritten for the new place.
        name: The procedure's name.
        conclusion: Its conclusion.
    """
    document = dict(conclusion.next_study)
    for key in ("baseline", "data"):
        beside = spec.parent / str(document.get(key))
        if isinstance(document.get(key), str) and beside.exists():
            document[key] = str(beside)
    text = io.StringIO()
    for line in _lines(
        f"The procedure {name} concludes: {conclusion.sentence} {conclusion.advice}"
    ):
        text.write(f"# {line}\n")
    yaml = YAML()
    yaml.width = 10**6
    yaml.dump(document, text)
    return text.getvalue()


def _differing_choices(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the names of hyperparameters that are not numbers and differ between trials."""
    found: dict[str, set[str]] = {}
    for outcome in outcomes:
        for name, value in outcome.values.items():
            if isinstance(value, str):
                found.setdefault(name, set()).add(value)
    return sorted(name for name, values in found.items() if len(values) > 1)


def _objective(objective: Mapping[str, Any]) -> dict[str, str]:
    """Return the metric and the sign of the losses; for steps to a target, fewer are better."""
    if objective.get("target") is None:
        return {"objective": objective["metric"], "mode": objective["mode"]}
    return {"objective": f"steps to {objective['metric']} {objective['target']:g}", "mode": "min"}


def _lines(text: str, width: int = 98) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else math.nan


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _padded(rows: Sequence[Sequence[float]], length: int) -> Any:
    table = np.full((len(rows), length), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
