"""The process that trains: its threads, its compilation cache, and what is recorded of it."""

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
"""Variables of the environment that say how much of a GPU's memory a process takes at once."""

HOST_DEVICES = "xla_force_host_platform_device_count"
"""What XLA_FLAGS may hold that says how many devices the CPU is."""

M_ARENA_MAX = -8
"""The C library's name for how many heaps it may keep, from `malloc.h` of glibc."""

RECORDED_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


@dataclass(frozen=True)
class Resources:
    """What a job has on each of its nodes.

    Attributes:
        threads: CPU cores.
        devices: Devices that it computes on.
        gpus: GPUs that it asked for.
        nodes: How many nodes there are.
    """

    threads: int = 1
    devices: int = 1
    gpus: int = 0
    nodes: int = 1


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Keep the garbage collector from what is imported meanwhile, now and later.

    Modules live until the process ends, and JAX's hold so many objects that going through them
    again and again takes a fifth of the CPU time of a job with one short trial.
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
    """Set up JAX for one job; to be called before JAX is first imported.

    XLA sizes its thread pool by NPROC, so that jobs that run side by side share the machine. The
    compilation cache is kept apart for each kind of machine, because compiled code is. A GPU's
    memory is taken as it is needed, so that jobs may share it too, unless the environment says how
    much a process takes at once. A job without GPUs makes its devices of the CPU.

    Args:
        resources: Of the job.
        join: Makes this process one of several, before anything is computed.
        cache: Whether compiled code is kept, and taken from there.

    Raises:
        DeviceError: It asked for GPUs, and JAX does not find them.
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
    """Let all threads share one heap, where the C library is glibc.

    Results are made in one thread and freed in another. With a heap for each thread what one has
    freed is of no use to the others: 64 lanes of `digits_mlp` took up to a fifth more memory.
    """
    if "MALLOC_ARENA_MAX" not in os.environ and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _check_gpus(gpus: int) -> None:
    """Check that JAX computes on the GPUs that a job asked for, and not on the CPU in their place.

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
    """Return what is recorded of the software and the machine of a job."""
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
    """Return the version of each package that is recorded, read once."""
    return {name: importlib.metadata.version(name) for name in RECORDED_PACKAGES}


@functools.cache
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
