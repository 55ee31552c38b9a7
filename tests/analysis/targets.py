"""Made-up studies whose trials are ranked by steps to a target: the raw curves say the truth."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr


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
    return marked.assign_attrs(objective_target=target)
