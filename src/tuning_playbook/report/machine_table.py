"""The software and the machines that made a study."""

import math
from collections.abc import Sequence

import xarray as xr

from tuning_playbook.analysis.machines import VERSION
from tuning_playbook.report.formatting import duration, memory, text


def describe_machines(resources: xr.Dataset) -> tuple[tuple[str, str], ...]:
    """Return the software and the machines of the trials, as labels and texts.

    Where trials differ in a version or a host, every value is listed.
    """
    labels = [str(name) for name in resources.variables if str(name).startswith(VERSION)]
    facts = [
        (label.removeprefix(VERSION), text(_distinct(resources, label)))
        for label in (*labels, "backend", "host")
    ]
    seconds, compilation = (_finite(resources, f"{name}_seconds") for name in ("wall", "compile"))
    sizes = _finite(resources, "peak_memory_bytes")
    dates = _distinct(resources, "finished")
    facts += [
        ("time, all trials together", duration(sum(seconds) if seconds else None)),
        ("of it compilation", duration(sum(compilation) if compilation else None)),
        ("most memory in use", memory(max(sizes, default=None))),
        ("trained", " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else text(None)),
    ]
    missing = text(None)
    return tuple((label, value) for label, value in facts if value not in (missing, text([])))


def _distinct(resources: xr.Dataset, name: str) -> Sequence[str]:
    if name not in resources:
        return []
    return sorted({str(value) for value in resources[name].to_numpy().tolist() if value != ""})


def _finite(resources: xr.Dataset, name: str) -> Sequence[float]:
    if name not in resources:
        return []
    return [float(value) for value in resources[name].to_numpy() if math.isfinite(value)]
