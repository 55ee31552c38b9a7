"""How the trials of a study are divided into jobs, where its spec leaves that open.

    results/<study>/packs.json    which trials each job trains, chosen once

A job costs its start and a compilation, but with too few jobs cores are idle. So there are just
enough jobs to keep the cores busy. No id depends on the division, so a bad one only costs time. It
is chosen when the study is first carried out and then kept, even with other cores or known times.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuning_playbook.files import write_json

PACKS = "packs.json"

START = 4.0
"""The cost of starting a job, in trials, for use where the time of a trial is not known. Measured
with the small built-in workloads on a CPU."""

START_SECONDS = 3.0
"""The same in seconds: Python, JAX and a compilation that is in the cache."""

LONGEST_SECONDS = 600.0
"""A job that is expected to take longer is divided further: more jobs even out better, and a queue
that shows the end of each job shows progress."""

MOST_FOR_EACH = 4
"""Most jobs for each core that are tried to even out arms of unequal length."""


@dataclass(frozen=True)
class JobSizes:
    """How the trials of a study are divided.

    Attributes:
        packs: The ids of the trials of each job of the search and of its repeats.
        reruns: How many reruns of an arm one job trains; 0 where there are none yet.
        round_trials: How many trials of a round one job trains; 0 where there is none yet.
    """

    packs: tuple[tuple[str, ...], ...]
    reruns: int
    round_trials: int


@dataclass(frozen=True)
class Division:
    """How to divide the trials of a study where its spec leaves that open.

    Attributes:
        file: Its packs.json, which need not exist.
        slots: Jobs that may train side by side, one for each core.
        trials_per_job: What the profile of a cluster says instead; 0 where it says nothing.
    """

    file: Path | None = None
    slots: int = 1
    trials_per_job: int = 0


ALONE = Division()
"""The division in which one process trains all trials of an arm."""


@dataclass(frozen=True)
class Work:
    """The trials of one arm.

    Attributes:
        count: How many there are.
        seconds: The expected time of one; None where it is not known.
    """

    count: int
    seconds: float | None = None


def job_counts(works: Sequence[Work], slots: int) -> tuple[int, ...]:
    """Return how many jobs train the trials of each arm.

    It tries one job for each arm, and jobs of equal length of which each core has one, two, ...;
    it takes the division that ends first, or of several the one with the fewest jobs.

    Args:
        works: The arms.
        slots: Jobs that run side by side.
    """
    known = [work.seconds for work in works if work.seconds is not None]
    timed = len(known) == len(works) > 0
    seconds = known if timed else [1.0 for _ in works]
    start = START_SECONDS if timed else START
    whole = [work.count * each for work, each in zip(works, seconds, strict=True)]
    tried = []
    for for_each in range(MOST_FOR_EACH + 1):
        target = max(sum(whole) / (max(slots, 1) * for_each), 1e-9) if for_each else math.inf
        if timed:
            target = min(target, LONGEST_SECONDS)
        counts = tuple(
            min(max(math.ceil(time / target - 1e-6), 1), max(work.count, 1))
            for work, time in zip(works, whole, strict=True)
        )
        jobs = [
            start + math.ceil(work.count / count) * each
            for work, count, each in zip(works, counts, seconds, strict=True)
            for _ in range(count)
        ]
        tried.append((_makespan(jobs, slots), sum(counts), counts))
    return min(tried)[2]


def _makespan(jobs: Iterable[float], slots: int) -> float:
    """Return when the last job ends if each free core takes the longest remaining job."""
    ends = [0.0] * max(slots, 1)
    for job in sorted(jobs, reverse=True):
        first = min(range(len(ends)), key=ends.__getitem__)
        ends[first] += job
    return max(ends)


def parts_of(items: Sequence[str], count: int, multiple: int = 1) -> list[tuple[str, ...]]:
    """Return items in parts of nearly equal size, in their order.

    Args:
        items: What is divided.
        count: How many parts there are, at most.
        multiple: Every part but the last has a multiple of this size, so that lanes are full.

    Example:
        >>> parts_of("abcde", 2)
        [('a', 'b', 'c'), ('d', 'e')]
        >>> parts_of("abcde", 3, multiple=4)
        [('a', 'b', 'c', 'd'), ('e',)]
    """
    size = math.ceil(math.ceil(len(items) / max(count, 1)) / multiple) * multiple
    return [tuple(items[start : start + size]) for start in range(0, len(items), max(size, 1))]


def kept_packs(
    packs: Iterable[Sequence[str]], arms: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Return the packs of an earlier division, without trials that are no longer planned.

    Args:
        packs: The ids of each.
        arms: The arm of each trial that is planned, by its id.
    """
    seen: set[str] = set()
    kept = []
    for pack in packs:
        there = [name for name in pack if name in arms and name not in seen]
        first = arms[there[0]] if there else ""
        same = tuple(name for name in there if arms[name] == first)  # one arm in a job
        seen.update(same)
        if same:
            kept.append(same)
    return tuple(kept)


def read_sizes(file: Path) -> JobSizes | None:
    """Return the division that was chosen before; None where there is no readable one."""
    try:
        content = json.loads(file.read_text())
        packs = tuple(tuple(map(str, pack)) for pack in content["packs"])
        sizes = JobSizes(packs, int(content["reruns_per_job"]), int(content["round_per_job"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return sizes if min(sizes.reruns, sizes.round_trials) >= 0 else None


def write_sizes(file: Path, sizes: JobSizes) -> None:
    """Write a division, unless the file has it already."""
    if read_sizes(file) != sizes:
        packs = [list(pack) for pack in sizes.packs]
        content = {"reruns_per_job": sizes.reruns, "round_per_job": sizes.round_trials}
        write_json(file, {**content, "packs": packs})
