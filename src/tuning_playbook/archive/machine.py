"""The software and the machine of this process, as archives record and compare them."""

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning_playbook.jobs.environment import RECORDED_PACKAGES, machine_type

SETTINGS = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_ENABLE_X64")
"""Environment variables that can affect the bits of a trial."""

SAME_BITS = ("backend", "device", "driver", "machine", "python", "xla_flags")
"""Recorded provenance that a trial's bits can depend on, besides versions and lanes."""


def describe_machine() -> dict[str, Any]:
    """Return the software and the processor of this process, as a JSON object."""
    installed = {
        item.metadata["Name"].lower(): item.version for item in importlib.metadata.distributions()
    }
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "machine": machine_type(),
        "cpu_features": _cpu_features(),
        "variables": {name: os.environ.get(name, "") for name in SETTINGS},
        "packages": dict(sorted(installed.items())),
    }


def differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return the recorded facts that differ between this process and a trial's.

    Args:
        recorded: The trial's provenance.
        here: This process's provenance, as `training.environment.provenance` gives it.
    """
    pairs = [(name, recorded.get(name), here.get(name)) for name in SAME_BITS]
    versions = (recorded.get("versions", {}), here.get("versions", {}))
    pairs += [(name, *(each.get(name) for each in versions)) for name in RECORDED_PACKAGES]
    return [
        f"{name}: {before} in the archive, {'nothing' if now is None else now} here"
        for name, before, now in pairs
        if before is not None and before != now
    ]


def _cpu_features() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = (line for line in lines if line.startswith(("flags", "Features")))
    return sorted(next(named, "").partition(":")[2].split())
