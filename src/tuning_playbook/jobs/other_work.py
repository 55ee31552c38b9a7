"""What other processes compute on this machine while something is timed."""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
"""Where Linux counts what its cores do."""

IDLE = (3, 4)
"""The places of idle time, and of waiting for a disk, among the counts of its first line."""

GUEST = 8
"""From this place on time is counted that is in the counts before, too."""


class OtherWork:
    """Counts the cores that other processes keep busy, from when it is made.

    On a machine without `/proc/stat` it knows nothing.
    """

    def __init__(self) -> None:
        """Begin to count."""
        self._begun = self._now()

    def cores(self) -> float | None:
        """Return how many cores others kept busy on average; None where that is not known."""
        if self._begun is None or (now := self._now()) is None:
            return None
        clock, busy, own = (after - before for after, before in zip(now, self._begun, strict=True))
        return max(0.0, busy - own) / clock if clock > 0 else None

    def _now(self) -> tuple[float, float, float] | None:
        """Return the time, and the seconds that all and that this process have computed."""
        if not STAT.exists():
            return None
        counts = [int(count) for count in STAT.read_text().split("\n", 1)[0].split()[1 : GUEST + 1]]
        ticks = sum(count for place, count in enumerate(counts) if place not in IDLE)
        busy = ticks / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy, time.process_time()
