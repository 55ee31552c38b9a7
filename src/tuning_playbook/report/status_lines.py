"""The progress of a study, in lines of plain text."""

import math
from collections.abc import Sequence

from tuning_playbook.dataset.study_status import Part, StudyStatus, TrialStatus
from tuning_playbook.report.budget_lines import columns
from tuning_playbook.report.formatting import duration, number

MOST_RUNNING = 20
"""Most running trials that are listed."""

WHAT: dict[Part, str] = {
    "search": "trials",
    "reruns": "reruns",
    "repeats": "trials of repeats",
    "set back": "trainings of changes set back",
}


def status_lines(status: StudyStatus) -> list[str]:
    """Return the progress of a study: counts, time left, the best trial so far, running trials.

    Args:
        status: The study's.
    """
    lines = [f"{status.name}: {how_far(status)}", _best(status)]
    if stopped := [item for item in status.trials if item.state == "stopped"]:
        lines.append(
            f"{len(stopped):,} stopped in the middle; the next run of snakemake goes on with them"
        )
    if failed := [item for item in status.trials if item.state == "failed"]:
        lines.append(f"{len(failed):,} failed; the next run of snakemake tries them again")
    return [*lines, *_running(status.running, status.metric)]


def how_far(status: StudyStatus) -> str:
    """Return the counts of a study and the time left, on one line.

    Args:
        status: The study's.
    """
    parts = [_part(status, part) for part in WHAT if status.part(part)]
    return f"{'; '.join(parts)}{_time_left(status)}"


def _part(status: StudyStatus, part: Part) -> str:
    """Return the counts of one part of a study."""
    done = status.part(part, "done", "infeasible")
    infeasible, running = status.part(part, "infeasible"), status.part(part, "running")
    notes = [f"{len(infeasible):,} infeasible"] if infeasible else []
    notes += [f"{len(running):,} running"] if running else []
    to_come = status.part(part, "to come")
    notes += [f"{len(to_come):,} to come"] if to_come else []
    inside = f" ({', '.join(notes)})" if notes else ""
    return f"{len(done):,} of {len(status.part(part)):,} {WHAT[part]} done{inside}"


def _time_left(status: StudyStatus) -> str:
    if not status.left:
        return ""
    if status.seconds_left is None:
        return "; time left not known before the first trial is done"
    time = f"about {duration(status.seconds_left)}{_range(status)}"
    if not status.running:
        return f"; nothing is running; {time} of training to come, one job at a time"
    return f"; {time} of training left"


def _range(status: StudyStatus) -> str:
    if status.seconds_left_range is None:
        return ""
    low, high = status.seconds_left_range
    return f" ({duration(low)} to {duration(high)} in 9 of 10 cases)"


def _best(status: StudyStatus) -> str:
    best = status.best
    if best is None:
        return f"best so far: no trial has a finite {status.metric} yet"
    return (
        f"best so far: {status.metric} {number(best.best)} at step {best.best_step:,}, "
        f"trial {best.id} ({best.arm})"
    )


def _running(running: Sequence[TrialStatus], metric: str) -> list[str]:
    """Return a table of the trials that are being trained."""
    if not running:
        return []
    cells: list[tuple[str, ...]] = [("running", "arm", "step", metric, "best", "time left")]
    cells += [
        (
            item.id,
            item.arm if item.part == "search" else f"{item.arm}, {WHAT[item.part]}",
            f"{item.step:,} of {item.last_step:,}",
            number(item.value),
            number(item.best),
            duration(math.nan if item.seconds_left is None else item.seconds_left * item.lanes),
        )
        for item in running[:MOST_RUNNING]
    ]
    more = len(running) - MOST_RUNNING
    return [*columns(cells, texts=(0, 1)), *([f"and {more:,} more"] if more > 0 else [])]
