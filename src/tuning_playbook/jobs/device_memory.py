"""The memory that compiled functions need, known before they run, and the memory that there is.

The compiler knows a function's arguments, results and temporaries. On a GPU the allocator also
reports its size and its peak use; on a CPU it reports nothing, and only the estimate is known.

Source: `jax.stages.Compiled.memory_analysis` and `jax.Device.memory_stats`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax

from tuning_playbook.engine.devices import Spread
from tuning_playbook.trials.probe import Memory

MEGABYTE = 10**6


class OutOfMemoryError(Exception):
    """A function needs more memory than there is, by the compiler's estimate."""


@dataclass(frozen=True)
class Limit:
    """The limit on a function's estimated memory.

    Attributes:
        size: In bytes; None if there is no limit.
        of: The source of the limit, as part of a sentence.
    """

    size: int | None = None
    of: str = ""


def memory_limit(probed_mb: int | None, asked_mb: int | None) -> Limit:
    """Return the smallest known limit.

    Args:
        probed_mb: `procedure.memory_mb` of the spec, in megabytes.
        asked_mb: `resources.memory_mb`, which is the memory of the host, and so a limit on a CPU.
    """
    device = jax.local_devices()[0]
    limits = []
    if probed_mb is not None:
        limits.append(Limit(probed_mb * MEGABYTE, "procedure.memory_mb"))
    if device.platform == "cpu":
        if asked_mb is not None:
            limits.append(Limit(asked_mb * MEGABYTE, "resources.memory_mb"))
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        limits.append(Limit(pages, "the memory of this machine"))
    elif size := (device.memory_stats() or {}).get("bytes_limit"):
        limits.append(Limit(int(size), f"the memory of {device.device_kind}"))
    return min(limits, key=lambda limit: limit.size or 0, default=Limit())


def peak_bytes() -> int | None:
    """Return the most memory that any device's allocator held; None if it is not reported."""
    found = [device.memory_stats() for device in jax.local_devices()]
    peaks = [int(stats["peak_bytes_in_use"]) for stats in found if stats]
    return max(peaks, default=None)


def estimate_of(compiled: Any) -> int | None:
    """Return the bytes that a compiled function needs on each device while it runs.

    `peak_memory_in_bytes` of the analysis omits temporaries on a CPU, so it is not used.

    Returns:
        Arguments, results, temporaries and code, with shared memory counted once; None if the
        compiler gives no analysis.
    """
    found = compiled.memory_analysis()
    if found is None:
        return None
    parts = ("argument", "output", "temp", "generated_code")
    size = sum(int(getattr(found, f"{part}_size_in_bytes")) for part in parts)
    return size - int(found.alias_size_in_bytes)


@dataclass(frozen=True)
class WatchedSpread(Spread):
    """Devices that share batches and refuse a compiled function that does not fit.

    Attributes:
        limit: The limit on a function's memory.
        estimates: The bytes that each compiled function needs.
    """

    limit: Limit = Limit()
    estimates: list[int] = field(default_factory=list)

    def compile(self, function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
        """Compile a function; see `Spread.compile`.

        Raises:
            OutOfMemoryError: It needs more memory than the limit.
        """
        compiled = super().compile(function, *args)
        size = estimate_of(compiled)
        if size is not None:
            self.estimates.append(size)
            if self.limit.size is not None and size > self.limit.size:
                raise OutOfMemoryError(
                    f"the compiler estimates that it takes {size / MEGABYTE:,.0f} MB, and "
                    f"{self.limit.of} is {self.limit.size / MEGABYTE:,.0f} MB"
                )
        return compiled

    def memory(self) -> Memory:
        """Return what is known about the memory so far."""
        return Memory(
            estimate=max(self.estimates, default=None),
            peak=peak_bytes(),
            limit=self.limit.size,
            limited_by=self.limit.of,
        )
