"""The division of a study into jobs: the one that was chosen before, extended by new trials."""

import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tuning_playbook.planning.budget import read_earlier_trials, training_seconds
from tuning_playbook.planning.division import (
    PACKS,
    Division,
    JobSizes,
    Work,
    job_counts,
    kept_packs,
    parts_of,
    read_sizes,
    write_sizes,
)
from tuning_playbook.planning.plan import Plan
from tuning_playbook.study.searches import BayesianSearch
from tuning_playbook.study.study import BASELINE

CLUSTER_START_SECONDS = 8.0
"""What a job on Slurm takes to start, in seconds of CPU (docs/scaling.md)."""


def available_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def divided_by(results: Path, study: str, cores: int | None, trials_per_job: int) -> Division:
    """Return how to divide a study into jobs.

    Args:
        results: The folder of all results.
        study: The study's name.
        cores: The cores of this machine, for jobs side by side; None on a cluster.
        trials_per_job: What the configuration says; 0 where it says nothing.
    """
    per_job = trials_per_job or (1 if cores is None else 0)
    return Division(results / study / PACKS, cores or 1, per_job)


def with_division(plan: Plan, division: Division) -> Plan:
    """Return a plan whose trials will be divided into jobs as given, on first use."""
    divided = replace(plan, divide=lambda plan: job_sizes(plan, division))
    # Share the expansion: it may have ten thousand trials.
    known = {name: value for name, value in vars(plan).items() if name in ("initial", "replicates")}
    vars(divided).update(known)
    return divided


def job_sizes(plan: Plan, division: Division) -> JobSizes:
    """Return how the trials of a study are divided.

    Packs of an earlier division stay as they are, without trials that are no longer planned; new
    trials get new packs.

    Args:
        plan: The study's.
        division: How to divide it.
    """
    known = read_sizes(division.file) if division.file else None
    repeats = [plan.initial, *plan.replicates]
    arms = {item.trial.id: item.arm for repeat in repeats for item in repeat.trials}
    packs = list(kept_packs(known.packs if known else (), arms))
    placed = {name for pack in packs for name in pack}
    seconds: Mapping[str, float | None] | None = None
    for repeat in repeats:
        new: dict[str, list[str]] = {}
        for item in repeat.trials:
            if item.trial.id not in placed:
                new.setdefault(item.arm, []).append(item.trial.id)
        if not new:
            continue
        seconds = seconds or _seconds(plan, division)
        works = [Work(len(names), seconds.get(arm)) for arm, names in new.items()]
        for names, count in zip(new.values(), _counts(plan, works, division), strict=True):
            packs += parts_of(names, count, _multiple(plan))
    reruns, round_trials = (known.reruns, known.round_trials) if known else (0, 0)
    return JobSizes(
        tuple(packs),
        reruns or _rerun_size(plan, division),
        round_trials or _round_size(plan, division),
    )


def keep_division(plan: Plan, study: Path) -> None:
    """Write the division of a study whose spec leaves it open, for every later plan.

    Args:
        plan: The study's.
        study: Its folder of results.
    """
    if plan.division_is_open:
        write_sizes(study / PACKS, plan.job_sizes)


def short_jobs(plan: Plan, results: Path) -> str:
    """Return a warning about cluster jobs that take longer to start than to train; else nothing.

    Args:
        plan: The study's.
        results: The folder whose trials show how long one takes.
    """
    if not plan.division_is_open or not plan.packs:
        return ""
    seconds = training_seconds(plan, read_earlier_trials(results))
    known = [time for time in seconds.values() if time is not None]
    if not known:
        return ""
    per_job = max(len(pack.trials) for pack in plan.packs.values())
    longest = max(known) * per_job
    if longest >= CLUSTER_START_SECONDS or per_job == max(plan.trials_per_arm.values()):
        return ""
    enough = math.ceil(10 * CLUSTER_START_SECONDS / max(known))
    return (
        f"a job trains for about {longest:.1f} s and takes some {CLUSTER_START_SECONDS:.0f} s to "
        f"start; say --config trials_per_job={enough}, or so in the profile"
    )


def _seconds(plan: Plan, division: Division) -> Mapping[str, float | None]:
    if division.file is None or division.trials_per_job:
        return {}
    return training_seconds(plan, read_earlier_trials(division.file.parents[1]))


def _counts(plan: Plan, works: list[Work], division: Division) -> tuple[int, ...]:
    if division.trials_per_job:
        return tuple(math.ceil(work.count / division.trials_per_job) for work in works)
    return job_counts(works, division.slots // plan.study.spec.resources.threads)


def _multiple(plan: Plan) -> int:
    """Return the number of trials that a job trains at once; its size is a multiple of it."""
    resources = plan.study.spec.resources
    return resources.lanes * (resources.devices if resources.lanes > 1 else 1)


def _rerun_size(plan: Plan, division: Division) -> int:
    """Return how many reruns of an arm one job trains."""
    spec = plan.study.spec
    again = spec.reruns.seeds + spec.reruns.splits
    if not again:
        return 0
    groups = [arm.name for arm in plan.study.arms] + ([BASELINE] if plan.study.baseline else [])
    counts = _counts(plan, [Work(again) for _ in groups], division)
    return len(parts_of(("",) * again, max(counts, default=1), _multiple(plan))[0])


def _round_size(plan: Plan, division: Division) -> int:
    """Return how many trials of a round one job trains; the rounds of all arms run side by side."""
    search = plan.study.spec.search
    if not isinstance(search, BayesianSearch):
        return 0
    works = [Work(search.batch) for _ in plan.study.arms]
    counts = _counts(plan, works, division)
    return len(parts_of(("",) * search.batch, max(counts, default=1), _multiple(plan))[0])
