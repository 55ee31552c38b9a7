"""How much other processes compute on this machine while something is timed."""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
"""Where Linux counts the CPU time of its cores."""

IDLE = (3, 4)
"""Positions of idle time and of waiting for a disk among the counts in its first line."""

GUEST = 8
"""Counts from this position on are already included in the counts before."""


class OtherWork:
    """Counts the cores that other processes keep busy, from its creation on.

    It returns None on a machine without `/proc/stat`.
    """

    def __init__(self) -> None:
        """Start counting."""
        self._begun = self._now()

    def cores(self) -> float | None:
        """Return how many cores others kept busy on average; None if it is not known."""
        if self._begun is None or (now := self._now()) is None:
            return None
        clock, busy, own = (after - before for after, before in zip(now, self._begun, strict=True))
        return max(0.0, busy - own) / clock if clock > 0 else None

    def _now(self) -> tuple[float, float, float] | None:
        """Return the time, and the CPU seconds of all processes and of this process."""
        if not STAT.exists():
            return None
        counts = [int(count) for count in STAT.read_text().split("\n", 1)[0].split()[1 : GUEST + 1]]
        ticks = sum(count for place, count in enumerate(counts) if place not in IDLE)
        busy = ticks / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy, time.process_time()
