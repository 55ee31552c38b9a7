"""The process that trains: its threads, its compilation cache, and what is recorded of it."""

import datetime
import hashlib
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuning_playbook.files import cache_folder

RECORDED_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def prepare(threads: int) -> None:
    """Set up JAX for one job; to be called before JAX is first imported.

    XLA sizes its thread pool by NPROC, so that jobs that run side by side share the machine. The
    compilation cache is kept apart for each kind of machine, because compiled code is.
    """
    os.environ["NPROC"] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import jax  # noqa: PLC0415 - the environment above must be set first

    settings = {
        "jax_compilation_cache_dir": str(cache_folder() / "jax" / machine_type()),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    update: Callable[[str, object], None] = jax.config.update
    for name, value in settings.items():
        update(name, value)


def machine_type() -> str:
    """Return a name for the kind of processor: code compiled on one may not run on another."""
    features = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        features = next(
            (line for line in lines if line.startswith(("flags", "Features"))), features
        )
    return f"{platform.machine()}-{hashlib.sha256(features.encode()).hexdigest()[:8]}"


def provenance() -> dict[str, Any]:
    """Return what is recorded of the software and the machine of a job."""
    import jax  # noqa: PLC0415 - as in `prepare`

    device = jax.devices()[0]
    return {
        "host": platform.node(),
        "machine": machine_type(),
        "backend": device.platform,
        "device": device.device_kind,
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in RECORDED_PACKAGES},
        "threads": int(os.environ.get("NPROC", "0")),
        "git_commit": git_commit(),
    }


def git_commit() -> str:
    """Return the commit of the code, with `-dirty` where it was changed since; empty if unknown."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip()


def peak_memory_bytes() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def now() -> str:
    """Return the time as an ISO 8601 text in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
