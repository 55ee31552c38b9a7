"""The numbers of a procedure's probes, for its plots and its report."""

import math
from typing import Any

import numpy as np
import xarray as xr

from tuning_playbook.files import FORMAT
from tuning_playbook.procedures.procedure_history import Conclusion, History
from tuning_playbook.trials.probe import Probe


def probe_dataset(history: History, conclusion: Conclusion) -> xr.Dataset:
    """Return the probes of a procedure, with the columns of the conclusion.

    Returns:
        Dimension `batch_size`. `fits`, 1 or 0. `seconds_per_step`, with `_lower` and `_upper`
        quartile; `compute_seconds`, that with a batch at hand; `examples_per_second`;
        `wait_seconds`, and `wait_<part>` of it for `read`, `stack` and `transfer`;
        `compile_seconds`; `evaluation_seconds`; `estimate_bytes`, `peak_bytes`, `limit_bytes`:
        NaN where nothing was measured. `bottleneck` and `reason`: texts. What the procedure adds.
        The numbers of the conclusion are attributes.
    """
    rows = [_row(probe) for probe in history.probes]
    names = list(rows[0]) if rows else []
    data: dict[str, Any] = {
        name: (["batch_size"], np.array([row[name] for row in rows])) for name in names
    }
    for name, column in conclusion.columns.items():
        data[name] = (["batch_size"], np.array(column))
    texts = {"bottleneck": [p.bottleneck for p in history.probes]}
    texts["reason"] = [p.reason for p in history.probes]
    data |= {name: (["batch_size"], np.array(given, object)) for name, given in texts.items()}
    sizes = np.array([probe.batch_size for probe in history.probes], np.int64)
    attributes = {
        "format": FORMAT,
        "procedure": history.settings.name,
        **{name: float(value) for name, value in conclusion.numbers.items()},
    }
    return xr.Dataset(data, coords={"batch_size": sizes}, attrs=attributes)


def _row(probe: Probe) -> dict[str, float]:
    step, compute, waiting, memory = probe.step, probe.compute, probe.waiting, probe.memory
    return {
        "fits": float(probe.fits),
        "seconds_per_step": _known(step.median if step else None),
        "seconds_per_step_lower": _known(step.lower if step else None),
        "seconds_per_step_upper": _known(step.upper if step else None),
        "compute_seconds": _known(compute.median if compute else None),
        "examples_per_second": _known(probe.examples_per_second),
        "wait_seconds": _known(probe.wait_seconds),
        "wait_read": _known(waiting.read if waiting else None),
        "wait_stack": _known(waiting.stack if waiting else None),
        "wait_transfer": _known(waiting.transfer if waiting else None),
        "compile_seconds": _known(probe.compile_seconds),
        "evaluation_seconds": _known(probe.evaluation_seconds),
        "estimate_bytes": _known(memory.estimate),
        "peak_bytes": _known(memory.peak),
        "limit_bytes": _known(memory.limit),
    }


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)
