"""The process that trains: its threads, its compilation cache, and what is recorded about it."""

import contextlib
import ctypes
import datetime
import functools
import gc
import hashlib
import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning_playbook.errors import DeviceError
from tuning_playbook.files import cache_folder

PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"

MEMORY_SETTINGS = (PREALLOCATE, "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION")
"""Environment variables that set how much GPU memory a process allocates at the start."""

HOST_DEVICES = "xla_force_host_platform_device_count"
"""The flag in XLA_FLAGS that sets how many devices the CPU counts as."""

M_ARENA_MAX = -8
"""The number of glibc's option for the maximum number of heaps, from its `malloc.h`."""

RECORDED_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


@dataclass(frozen=True)
class Resources:
    """What a job has on each of its nodes.

    Attributes:
        threads: CPU cores.
        devices: Devices to compute on.
        gpus: GPUs that were requested.
        nodes: How many nodes there are.
    """

    threads: int = 1
    devices: int = 1
    gpus: int = 0
    nodes: int = 1


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Exclude the objects of imports in this block from garbage collection, now and later.

    Modules live until the process ends. JAX's hold so many objects that scanning them again and
    again takes a fifth of the CPU time of a job with one short trial.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


def prepare(
    resources: Resources, *, join: Callable[[], None] | None = None, cache: bool = True
) -> None:
    """Set up JAX for one job; call it before JAX is first imported.

    XLA takes the size of its thread pool from NPROC, so that jobs side by side share the machine.
    Each kind of machine has its own compilation cache, because compiled code depends on it. GPU
    memory is allocated as needed, so that jobs can share a GPU, unless the environment sets how
    much a process allocates at the start. A job without GPUs splits the CPU into its devices.

    Args:
        resources: The job's resources.
        join: Makes this process one of several, before anything is computed.
        cache: Whether compiled code is saved to the cache and read from it.

    Raises:
        DeviceError: The job asked for GPUs, and JAX does not find them.
    """
    _keep_one_heap()
    os.environ["NPROC"] = str(resources.threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if not any(name in os.environ for name in MEMORY_SETTINGS):
        os.environ[PREALLOCATE] = "false"
    import jax  # noqa: PLC0415 - the environment above must be set first

    settings = {
        "jax_enable_compilation_cache": cache,
        "jax_compilation_cache_dir": str(cache_folder() / "jax" / machine_type()),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    update: Callable[[str, object], None] = jax.config.update
    if resources.devices > 1 and HOST_DEVICES not in os.environ.get("XLA_FLAGS", ""):
        settings["jax_num_cpu_devices"] = resources.devices
    for name, value in settings.items():
        update(name, value)
    if join is not None:
        join()
    if resources.gpus:
        _check_gpus(resources.gpus)


def _keep_one_heap() -> None:
    """Make all threads share one heap, if the C library is glibc.

    Results are allocated in one thread and freed in another. With one heap per thread, freed memory
    cannot be reused by other threads: 64 lanes of `digits_mlp` took up to a fifth more memory.
    """
    if "MALLOC_ARENA_MAX" not in os.environ and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _check_gpus(gpus: int) -> None:
    """Check that JAX computes on the requested GPUs, and not on the CPU instead.

    Raises:
        DeviceError: It does not.
    """
    import jax  # noqa: PLC0415 - as in `prepare`

    try:
        found = jax.local_devices()
        kinds = ", ".join(dict.fromkeys(device.device_kind for device in found))
    except RuntimeError as error:
        found, kinds = [], str(error).splitlines()[0]
    count = len([device for device in found if device.platform == "gpu"])
    if count < gpus:
        raise DeviceError(
            f"this job asked for GPUs (resources.gpus: {gpus}), and JAX found {count or 'no GPU'} "
            f"(devices: {kinds}): see whether nvidia-smi lists them on {platform.node()}, and "
            "install JAX for CUDA (the extra 'cuda', or envs/cuda.yaml in place of cpu.yaml in "
            "workflow/rules), or set resources.gpus to 0"
        )


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
    """Return the record of a job's software and machine."""
    import jax  # noqa: PLC0415 - as in `prepare`

    device = jax.local_devices()[0]
    return {
        "host": platform.node(),
        "machine": machine_type(),
        "backend": device.platform,
        "device": device.device_kind,
        "driver": device.client.platform_version,
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "python": platform.python_version(),
        "versions": package_versions(),
        "threads": int(os.environ.get("NPROC", "0")),
        "git_commit": git_commit(),
    }


@functools.cache
def package_versions() -> Mapping[str, str]:
    """Return the version of each recorded package, read once."""
    return {name: importlib.metadata.version(name) for name in RECORDED_PACKAGES}


@functools.cache
def git_commit() -> str:
    """Return the commit of the code, with `-dirty` after changes since; empty if unknown."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
    except OSError:  # git is not installed
        return ""
    return done.stdout.strip()


def peak_memory_bytes() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def now() -> str:
    """Return the current time as ISO 8601 text in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
