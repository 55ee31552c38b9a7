"""Made-up studies whose trials are ranked by steps to a target: the raw curves say the truth."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tests.analysis.synthetic import make_reruns


def steps_to_target(curve: Sequence[float], steps: Sequence[int], target: float, mode: str):
    """The contract, in a plain loop: the step, or None where the target is never reached."""
    pairs = zip(steps, curve, strict=True)
    seen = [(step, value) for step, value in pairs if not math.isnan(value)]
    for place, (step, value) in enumerate(seen):
        later = seen[place + 1][1] if place + 1 < len(seen) else value
        if mode == "min" and value <= target and later <= target:
            return step
        if mode == "max" and value >= target and later >= target:
            return step
    return None


def with_target(study: xr.Dataset, target: float) -> xr.Dataset:
    """Return a study, or its reruns, ranked by the steps to a target."""
    split, name = str(study.attrs["objective_metric"]).split("/")
    mode = study.attrs["objective_mode"]
    curves = study[name].sel(split=split).transpose("trial", "eval_step").values
    steps = study["eval_step"].values.tolist()
    feasible = study["status"].values == "completed"
    reached = [
        steps_to_target(curve, steps, target, mode) if fine else None
        for curve, fine in zip(curves, feasible, strict=True)
    ]
    missing = np.array([step is None for step in reached])
    best = np.where(feasible, study["objective"].values, np.nan)
    marked = study.assign(
        objective=("trial", [math.nan if step is None else float(step) for step in reached]),
        best_value=("trial", best),
        censored=("trial", (missing & feasible).astype(np.int8)),
        best_step=("trial", np.where(missing, study["best_steps"].values[:, 0], reached)),
    )
    marked["best_step"] = marked["best_step"].astype(np.int64)
    marked["objective"].attrs = {"valid_min": 0.0, "valid_max": float(steps[-1])}
    return marked.assign_attrs(objective_target=target)


def reruns_to_target(
    study: xr.Dataset,
    steps: Mapping[str, Sequence[int | None]],
    baseline: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return reruns that needed so many steps each: None for one that did not reach the target."""
    target, unit = study.attrs["objective_target"], study.attrs["eval_every"]
    reruns = make_reruns(study, {arm: [target] * len(of) for arm, of in steps.items()}, baseline)
    needed = [value for of in steps.values() for value in of]
    missed = np.array([value is None for value in needed])
    objective = np.array([math.nan if value is None else float(value) for value in needed])
    return reruns.assign(
        objective=("trial", objective),
        censored=("trial", missed.astype(np.int8)),
        best_value=("trial", target + 0.01 * missed),
        best_step=("trial", np.where(missed, study.attrs["max_train_steps"], objective)),
    ).assign_attrs(
        objective_target=target,
        max_train_steps=study.attrs["max_train_steps"],
        eval_every=unit,
    )
