"""How a run of AlgoPerf ended: at its target, or before its steps and its time were used up."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

TARGET, METRIC = "workload.validation_target_value", "workload.target_metric_name"
STEPS, SECONDS = "workload.step_hint", "workload.max_allowed_runtime_sec"
"""What of `meta_data_0.json` says when the runner stops."""

STEP, SPENT = "global_step", "accumulated_submission_time"
"""The columns of `eval_measurements.csv` that these are held against."""

MINIMIZED = ("loss", "wer")
"""The metrics of AlgoPerf that are better when they are smaller."""

ALL_OF_IT = 0.95
"""The runner stops before an evaluation that would end after the time."""

Columns = Mapping[str, Sequence[float | None]]


def how_it_ended(meta: Mapping[str, Any], evaluations: Columns) -> str:
    """Return how a run ended that did not train to the end; empty where it did, or is not known.

    The runner stops a run at its target, after its steps, or when its time is used up. One that did
    none of these was cut short.

    Source: https://github.com/mlcommons/algorithmic-efficiency, `submission_runner.py`.

    Args:
        meta: What `meta_data_0.json` holds.
        evaluations: The columns of `eval_measurements.csv`, a number for each evaluation, None
            where a cell is empty.
    """
    steps = [step for step in evaluations.get(STEP, ()) if step is not None]
    if not steps:
        return ""
    metric, target = str(meta.get(METRIC, "")), _number(meta.get(TARGET))
    measured = evaluations.get(f"validation/{metric}", ())
    values = [value for value in measured if value is not None and math.isfinite(value)]
    if target is not None and values:
        best = min(values) if metric in MINIMIZED else max(values)
        if best <= target if metric in MINIMIZED else best >= target:
            return f"stopped at its target, {metric} {target:g}, at step {steps[-1]:,.0f}"
    allowed = (_number(meta.get(STEPS)), _number(meta.get(SECONDS)))
    spent = [time for time in evaluations.get(SPENT, ()) if time is not None]
    if None in allowed or not spent:
        return ""
    most_steps, most_seconds = (float(number or 0) for number in allowed)
    if steps[-1] >= ALL_OF_IT * most_steps or spent[-1] >= ALL_OF_IT * most_seconds:
        return ""
    return (
        f"cut short at step {steps[-1]:,.0f} of {most_steps:,.0f}, after {spent[-1]:,.0f} of "
        f"{most_seconds:,.0f} seconds"
    )


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None
